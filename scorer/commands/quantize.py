"""``quantize``: an fp32 artifact -> one with fewer bits."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from scorer.commands import console, tables
from scorer.data.records import read_records
from scorer.runtime.artifact import Precision, load_artifact


class Target(enum.StrEnum):
    """What an artifact can be made into."""

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
    """Write an artifact with fewer bits, and check what that costs."""
    with console.friendly(as_json=as_json):
        from scorer.export.quantize import quantize_artifact  # noqa: PLC0415 - needs onnx

        held_out = read_records(records)
        made = quantize_artifact(
            load_artifact(artifact), output, precision=Precision(precision), records=held_out
        )
        checks = made.manifest.parity
        console.show(tables.parity(checks), console.plain(checks), as_json=as_json)
