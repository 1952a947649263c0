"""``train``: trains a scorer on routing records."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scorer.commands import console, tables
from scorer.data.staging import staged
from scorer.measures.benefit import Verdict, benefit_in
from scorer.training.recipe import read_recipe

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe (TOML).")]
DataPath = Annotated[
    Path, typer.Option(envvar="ROUTEMOA_DATA", help="Directory that holds the recipe's files.")
]

CachePath = Annotated[
    Path, typer.Option(help="Directory that keeps embeddings, so that a killed run can continue.")
]


def train(
    recipe: RecipePath,
    output: console.OutputPath,
    *,
    data: DataPath,
    cache: CachePath = Path("build/embeddings"),
    as_json: console.AsJson = False,
) -> None:
    """Train a scorer on routing records, and write a checkpoint."""
    with console.friendly():
        plan = read_recipe(recipe)
        from scorer.training.train import train as train_scorer  # noqa: PLC0415 - needs torch

        started = time.monotonic()
        with staged(output) as directory:
            facts = train_scorer(plan, data=data, output=directory, cache=cache, warn=console.warn)
        benefit = benefit_in(facts.metrics)
        if benefit and not as_json:
            rest = {k: v for k, v in facts.metrics.items() if k not in benefit.figures}
            Console().print(tables.metrics(rest))
        if benefit:
            document = {**facts.metrics, "best_single": facts.best_single}
            console.show(tables.benefit(benefit, facts.best_single), document, as_json=as_json)
            if benefit.verdict is not Verdict.BETTER:
                console.warn(benefit.sentence(facts.best_single))
        records = sum(each.train_rows + each.validation_rows for each in facts.data_sources)
        Console(stderr=True).print(
            f"{records:,} records took {time.monotonic() - started:,.0f} s "
            f"and at most {_peak_memory_gib():.1f} GiB of memory"
        )


def _peak_memory_gib() -> float:
    """Returns the most memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**30 if sys.platform == "darwin" else peak / 2**20  # bytes, elsewhere KiB
