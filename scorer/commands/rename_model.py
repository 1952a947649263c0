"""``rename-model``: an artifact -> one in which a model has another name."""

from __future__ import annotations

from typing import Annotated

import typer

from scorer.commands import console, tables
from scorer.runtime.artifact import load_artifact

OldName = Annotated[str, typer.Option("--model", help="The model, as the artifact names it.")]
NewName = Annotated[str, typer.Option("--to", help="What to name it.")]


def rename_model(
    artifact: console.ArtifactPath, *, model: OldName, to: NewName, output: console.NewDirectory
) -> None:
    """Write an artifact in which a model has another name."""
    with console.friendly():
        from scorer.export.edit_models import rename_model as rename  # noqa: PLC0415 - needs onnx

        made = rename(load_artifact(artifact), model_id=model, new_id=to, output=output)
        console.show(tables.manifest(made.manifest), made.manifest.version, as_json=False)
