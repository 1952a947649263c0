"""`python -m services.local demo|up|pool`: the program behind these commands of `routemoa`."""

from __future__ import annotations

import typer

from services.local import demo, pool_check, up

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command("demo")(demo.demo)
app.command("up")(up.up)
app.add_typer(pool_check.app, name="pool")

if __name__ == "__main__":
    app(prog_name="routemoa")
