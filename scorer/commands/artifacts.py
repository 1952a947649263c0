"""``export``, ``quantize``, ``inspect``, ``activate`` and ``roll-back``: commands for artifacts."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scorer.commands import console, tables
from scorer.data.records import read_records
from scorer.export import activation
from scorer.runtime.artifact import Precision, load_artifact

CheckpointPath = Annotated[
    Path, typer.Argument(metavar="CHECKPOINT", help="A checkpoint that train wrote.")
]
Created = Annotated[str, typer.Option(help="Date for the manifest; by default today.")]
EvenIfWorse = Annotated[bool, typer.Option(help="Also if its choices were measured to be worse.")]
Link = Annotated[Path, typer.Option("--link", help="The link that the scorer was started with.")]


def export(
    checkpoint: CheckpointPath,
    output: console.OutputPath,
    *,
    created: Created = "",
    even_if_worse: EvenIfWorse = False,
    as_json: console.AsJson = False,
) -> None:
    """Write a checkpoint as an fp32 ONNX artifact, and check that its scores agree with torch."""
    with console.friendly(as_json=as_json):
        from scorer.export.export import export_artifact  # noqa: PLC0415 - needs torch

        artifact = export_artifact(
            checkpoint,
            output,
            created=created or today(),
            even_if_worse=even_if_worse,
            warn=console.warn,
        )
        checks = artifact.manifest.parity
        console.show(tables.parity(checks), console.plain(checks), as_json=as_json)


def today() -> str:
    """Returns the date of today, in ISO form."""
    return dt.datetime.now(tz=dt.UTC).date().isoformat()


class Target(enum.StrEnum):
    """The precisions with fewer bits."""

    INT8 = Precision.INT8
    FP16 = Precision.FP16


TargetName = Annotated[Target, typer.Option("--precision", help="int8 for CPUs, fp16 for GPUs.")]
HeldOutPath = Annotated[
    Path, typer.Option(help="Held-out records for parity: validation.jsonl.gz of a checkpoint.")
]


def quantize(
    artifact: console.ArtifactPath,
    output: console.OutputPath,
    *,
    records: HeldOutPath,
    precision: TargetName = Target.INT8,
    as_json: console.AsJson = False,
) -> None:
    """Write an artifact with fewer bits, and check that its scores agree with fp32."""
    with console.friendly(as_json=as_json):
        from scorer.export.quantize import quantize_artifact  # noqa: PLC0415 - needs onnx

        held_out = read_records(records)
        made = quantize_artifact(
            load_artifact(artifact), output, precision=Precision(precision), records=held_out
        )
        checks = made.manifest.parity
        console.show(tables.parity(checks), console.plain(checks), as_json=as_json)


def inspect(artifact: console.ArtifactPath, *, as_json: console.AsJson = False) -> None:
    """Show the manifest of an artifact, after verifying its hashes."""
    with console.friendly():
        manifest = load_artifact(artifact).manifest
        console.show(tables.manifest(manifest), dataclasses.asdict(manifest), as_json=as_json)


def activate(
    artifact: console.ArtifactPath, *, link: Link, even_if_worse: EvenIfWorse = False
) -> None:
    """Make running scorers serve an artifact, by moving the link that they follow."""
    with console.friendly():
        activation.activate(artifact, link, even_if_worse=even_if_worse, warn=console.warn)
        Console().print(f"{link} is {artifact} now; `roll-back` undoes it")


def roll_back(*, link: Link) -> None:
    """Make running scorers serve the previous artifact again."""
    with console.friendly():
        Console().print(f"{link} is {activation.roll_back(link)} again")
