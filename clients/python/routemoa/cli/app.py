"""The list of the command line's commands."""

from __future__ import annotations

import sys
from io import TextIOWrapper

import typer

from routemoa.cli import ask, feedback, models, rank
from routemoa.cli.programs import add_program

app = typer.Typer(
    name="routemoa",
    help="Answers a query with the few models of a pool that are worth running.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
add_program(app, "demo")
add_program(app, "up")
app.command("ask")(ask.ask)
app.command("feedback")(feedback.feedback)
app.command("rank")(rank.rank)
app.command("models")(models.models)
add_program(app, "pool")
add_program(app, "examine")
add_program(app, "eval")
add_program(app, "learn")
add_program(app, "replay")
add_program(app, "rollout")
add_program(app, "arena")
add_program(app, "scorer")
add_program(app, "serve")


def main() -> None:
    """Runs the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A model may write what the terminal's encoding does not have.
            stream.reconfigure(errors="replace")
    app()
