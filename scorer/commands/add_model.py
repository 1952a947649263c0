"""``add-model``: an artifact and labelled queries of a new model -> an artifact that knows it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from scorer.commands import console, tables
from scorer.data.records import read_records
from scorer.runtime.artifact import DataSource, load_artifact

RecordsPath = Annotated[
    Path,
    typer.Argument(metavar="RECORDS", help="Queries with scores of the model; 200 are enough."),
]
NewModel = Annotated[str, typer.Option("--model", help="The model as the records name it.")]
Licence = Annotated[str, typer.Option(help="Of the records, for the manifest.")]
Url = Annotated[str, typer.Option(help="Where the records are from, for the manifest.")]


def add_model(
    artifact: console.ArtifactPath,
    records: RecordsPath,
    *,
    model: NewModel,
    output: console.NewDirectory,
    licence: Licence = "not stated",
    url: Url = "not stated",
    as_json: console.AsJson = False,
) -> None:
    """Teach an artifact one model more, without training it again; prints its error bar."""
    with console.friendly(as_json=as_json):
        from scorer.export.edit_models import add_model as add  # noqa: PLC0415 - needs onnx

        found = read_records(records)
        if len({record.scores[model] for record in found if model in record.scores}) == 1:
            console.warn_of_models([model], "one and the same score everywhere")
        source = DataSource(
            name=records.name.partition(".")[0] or records.name,
            licence=licence,
            url=url,
            train_rows=0,
            validation_rows=0,
        )
        made, bar = add(
            load_artifact(artifact), found, model_id=model, data_source=source, output=output
        )
        figures = dataclasses.asdict(bar)
        console.show(tables.metrics(figures, title=made.manifest.version), figures, as_json=as_json)
