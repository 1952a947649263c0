"""`python -m services.evaluation`: the program of `routemoa eval`, `replay`, `rollout` and `arena`."""

from __future__ import annotations

import typer

from services.evaluation.answers.eval_command import evaluate
from services.evaluation.arena import arena_command
from services.evaluation.decisions.replay_command import main
from services.evaluation.rollout import rollout_command

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command("eval")(evaluate)
app.add_typer(rollout_command.app, name="rollout")
app.add_typer(arena_command.app, name="arena")


@app.command(
    "replay",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def replay(context: typer.Context) -> None:
    """Shows what another policy or scorer would have chosen for decision records."""
    raise typer.Exit(main(context.args))


if __name__ == "__main__":
    app(prog_name="routemoa")
