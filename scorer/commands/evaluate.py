"""``evaluate``: measures an artifact on records, beside baselines."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from scorer.commands import console, tables
from scorer.data.records import read_records, unknown_models
from scorer.evaluation.evaluate import evaluate as evaluate_runtime
from scorer.runtime.artifact import load_artifact
from scorer.runtime.runtime import Runtime
from scorer.runtime.session import Provider

RecordsPath = Annotated[Path, typer.Argument(metavar="RECORDS", help="Records to evaluate on.")]
BaselinesPath = Annotated[
    Path | None, typer.Option(help="Training records that the baselines learn from.")
]
BatchSize = Annotated[int, typer.Option(min=1, help="Number of queries in a batch.")]
ProviderName = Annotated[Provider, typer.Option(help="Execution provider of ONNX Runtime.")]


def evaluate(
    artifact: console.ArtifactPath,
    records: RecordsPath,
    *,
    baselines: BaselinesPath = None,
    batch_size: BatchSize = 16,
    provider: ProviderName = Provider.CPU,
    as_json: console.AsJson = False,
) -> None:
    """Measure an artifact on routing records, beside baselines."""
    with console.friendly():
        runtime = Runtime.open(load_artifact(artifact), provider=provider)
        test = read_records(records)
        train = read_records(baselines) if baselines else []
        if train:
            unknown = unknown_models(test, train=train)
            console.warn_of_models(unknown, "in the records and not in the baselines' records")
        evaluation = evaluate_runtime(runtime, test, train=train, batch_size=batch_size)
        console.show(tables.evaluation(evaluation), dataclasses.asdict(evaluation), as_json=as_json)
