"""``python -m scorer <command>``: the list of commands.

Commands that need torch, onnx or matplotlib import them when they run.
"""

from __future__ import annotations

import typer

from scorer.commands.artifacts import activate, export, inspect, quantize, roll_back
from scorer.commands.changes import changes
from scorer.commands.compare import compare
from scorer.commands.convert import convert
from scorer.commands.edit_models import add_model, put_models, remove_model, rename_model
from scorer.commands.evaluate import evaluate
from scorer.commands.learn import learn
from scorer.commands.learn_belief import learn_belief
from scorer.commands.overlap import overlap
from scorer.commands.report import report
from scorer.commands.train import train
from scorer.commands.train_answers import train_answers

app = typer.Typer(
    help="Train, export, quantize, evaluate and inspect scorers, and prepare their data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(convert)
app.command()(overlap)
app.command()(train)
app.command()(train_answers)
app.command()(export)
app.command()(quantize)
app.command()(add_model)
app.command()(put_models)
app.command()(remove_model)
app.command()(rename_model)
app.command()(learn)
app.command()(learn_belief)
app.command()(changes)
app.command()(activate)
app.command()(roll_back)
app.command()(evaluate)
app.command()(compare)
app.command()(inspect)
app.add_typer(report, name="report")

if __name__ == "__main__":
    app()
