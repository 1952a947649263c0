"""``add-model``, ``put-models``, ``remove-model`` and ``rename-model``: edit an artifact."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer.commands import console, tables
from scorer.data.records import one_class_models, read_records
from scorer.runtime.artifact import DataSource, load_artifact
from scorer.training.record_checks import warn_of_contradictions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scorer.data.records import Record

FEW_LABELS = 20
"""With fewer labels, a new model's scores are mostly a guess."""

RecordsPath = Annotated[
    Path,
    typer.Argument(metavar="RECORDS", help="Queries with scores of the model; 200 are enough."),
]
ExaminedPath = Annotated[
    Path,
    typer.Argument(metavar="RECORDS", help="Queries with scores of some models, by their weight."),
]
AddedModel = Annotated[str, typer.Option("--model", help="Name of the model in the records.")]
KnownModel = Annotated[str, typer.Option("--model", help="Name of the model in the artifact.")]
NewName = Annotated[str, typer.Option("--to", help="New name of the model.")]
Licence = Annotated[str, typer.Option(help="Licence of the records, for the manifest.")]
Url = Annotated[str, typer.Option(help="Source of the records, for the manifest.")]


def add_model(
    artifact: console.ArtifactPath,
    records: RecordsPath,
    *,
    model: AddedModel,
    output: console.NewDirectory,
    licence: Licence = "not stated",
    url: Url = "not stated",
    as_json: console.AsJson = False,
) -> None:
    """Add a model to an artifact without training it again; print the errors of its scores."""
    with console.friendly(as_json=as_json):
        from scorer.export import edit_models  # noqa: PLC0415 - needs onnx

        found = read_records(records)
        _warn_of_labels(found, model)
        source = _data_source(records, licence, url)
        made, error = edit_models.add_model(
            load_artifact(artifact), found, model_id=model, data_source=source, output=output
        )
        table = tables.score_errors({model: error}, title=made.manifest.version)
        console.show(table, dataclasses.asdict(error), as_json=as_json)


def put_models(
    artifact: console.ArtifactPath,
    records: ExaminedPath,
    *,
    output: console.NewDirectory,
    licence: Licence = "our own",
    url: Url = "our own",
    as_json: console.AsJson = False,
) -> None:
    """Add or replace all models of a file of records, as an examination writes one."""
    with console.friendly(as_json=as_json):
        from scorer.export import edit_models  # noqa: PLC0415 - needs onnx

        made, errors = edit_models.put_models(
            load_artifact(artifact),
            read_records(records),
            data_source=_data_source(records, licence, url),
            output=output,
        )
        figures = {model_id: dataclasses.asdict(error) for model_id, error in errors.items()}
        table = tables.score_errors(errors, title=made.manifest.version)
        console.show(table, figures, as_json=as_json)


def _data_source(records: Path, licence: str, url: str) -> DataSource:
    return DataSource(
        name=records.name.partition(".")[0] or records.name,
        licence=licence,
        url=url,
        train_rows=0,
        validation_rows=0,
    )


def _warn_of_labels(records: Sequence[Record], model: str) -> None:
    """Warns of labels of a model that can be learned from but say little."""
    ours = [
        dataclasses.replace(record, scores={model: record.scores[model]})
        for record in records
        if model in record.scores
    ]
    if 0 < len(ours) < FEW_LABELS:
        console.warn(
            f"{model} has {len(ours)} labels, so its scores are mostly those of the other models; "
            "200 are enough"
        )
    console.warn_of_models(one_class_models(ours), "one and the same score everywhere")
    warn_of_contradictions(ours, warn=console.warn)


def remove_model(
    artifact: console.ArtifactPath, *, model: KnownModel, output: console.NewDirectory
) -> None:
    """Write an artifact without one of its models."""
    with console.friendly():
        from scorer.export import edit_models  # noqa: PLC0415 - needs onnx

        made = edit_models.remove_model(load_artifact(artifact), model_id=model, output=output)
        console.show(tables.manifest(made.manifest), made.manifest.version, as_json=False)


def rename_model(
    artifact: console.ArtifactPath, *, model: KnownModel, to: NewName, output: console.NewDirectory
) -> None:
    """Write an artifact in which a model has another name."""
    with console.friendly():
        from scorer.export import edit_models  # noqa: PLC0415 - needs onnx

        source = load_artifact(artifact)
        made = edit_models.rename_model(source, model_id=model, new_id=to, output=output)
        console.show(tables.manifest(made.manifest), made.manifest.version, as_json=False)
