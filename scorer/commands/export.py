"""``export``: a checkpoint -> an fp32 artifact."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from scorer.commands import console, tables

CheckpointPath = Annotated[
    Path, typer.Argument(metavar="CHECKPOINT", help="A checkpoint that train wrote.")
]
Created = Annotated[str, typer.Option(help="Date for the manifest; today's if left out.")]


def export(
    checkpoint: CheckpointPath,
    output: console.OutputPath,
    *,
    created: Created = "",
    as_json: console.AsJson = False,
) -> None:
    """Write a checkpoint as an fp32 ONNX artifact, and check that it agrees with torch."""
    with console.friendly(as_json=as_json):
        from scorer.export.export import export_artifact  # noqa: PLC0415 - needs torch

        artifact = export_artifact(checkpoint, output, created=created or _today())
        checks = artifact.manifest.parity
        console.show(tables.parity(checks), console.plain(checks), as_json=as_json)


def _today() -> str:
    return dt.datetime.now(tz=dt.UTC).date().isoformat()
