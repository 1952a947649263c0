"""``train``: routing records -> a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scorer.commands import console, tables
from scorer.data.staging import staged
from scorer.training.recipe import read_recipe

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe (TOML).")]
DataPath = Annotated[
    Path, typer.Option(envvar="ROUTEMOA_DATA", help="Directory that holds the recipe's files.")
]

CachePath = Annotated[
    Path, typer.Option(help="Directory that keeps the texts' embeddings, so a killed run goes on.")
]


def train(
    recipe: RecipePath,
    output: console.OutputPath,
    *,
    data: DataPath,
    cache: CachePath = Path("build/embeddings"),
    as_json: console.AsJson = False,
) -> None:
    """Train a scorer on routing records; writes a checkpoint."""
    with console.friendly():
        plan = read_recipe(recipe)
        from scorer.training.train import train as train_scorer  # noqa: PLC0415 - needs torch

        with staged(output) as directory:
            facts = train_scorer(plan, data=data, output=directory, cache=cache, warn=console.warn)
        console.show(tables.metrics(facts.metrics), facts.metrics, as_json=as_json)
