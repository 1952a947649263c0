"""``remove-model``: an artifact -> one that does not know a model."""

from __future__ import annotations

from typing import Annotated

import typer

from scorer.commands import console, tables
from scorer.runtime.artifact import load_artifact

KnownModel = Annotated[str, typer.Option("--model", help="The model to leave out.")]


def remove_model(
    artifact: console.ArtifactPath, *, model: KnownModel, output: console.NewDirectory
) -> None:
    """Write an artifact without one of its models."""
    with console.friendly():
        from scorer.export.edit_models import remove_model as remove  # noqa: PLC0415 - needs onnx

        made = remove(load_artifact(artifact), model_id=model, output=output)
        console.show(tables.manifest(made.manifest), made.manifest.version, as_json=False)
