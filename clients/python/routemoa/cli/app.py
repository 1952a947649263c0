"""The command line's commands, in one list."""

from __future__ import annotations

import sys
from io import TextIOWrapper

import typer

from routemoa.cli import ask, demo, evaluate, models, pool, rank, replay, up

app = typer.Typer(
    name="routemoa",
    help="Answers a query with the few models of a pool that are worth running.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.command("up")(up.up)
app.command("ask")(ask.ask)
app.command("rank")(rank.rank)
app.command("models")(models.models)
app.add_typer(pool.app, name="pool")
app.command("eval")(evaluate.evaluate)
# Its options are those of the program that it runs, `--help` too.
app.command(
    "replay",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(replay.replay)


def main() -> None:
    """Runs the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A model may write what the terminal's encoding does not have.
            stream.reconfigure(errors="replace")
    app()
