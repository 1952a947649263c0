"""``quantize``: an fp32 artifact -> an int8 one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scorer import tables
from scorer.artifact import load_artifact
from scorer.commands import console
from scorer.data.records import read_records

HeldOutPath = Annotated[
    Path, typer.Option(help="Held-out records for parity: validation.jsonl.gz of a checkpoint.")
]


def quantize(
    artifact: console.ArtifactPath,
    output: console.OutputPath,
    *,
    records: HeldOutPath,
    as_json: console.AsJson = False,
) -> None:
    """Write an artifact as int8, and check what that costs."""
    with console.friendly(as_json=as_json):
        from scorer.quantize import quantize_artifact  # noqa: PLC0415 - needs torch

        held_out = read_records(records)
        made = quantize_artifact(load_artifact(artifact), output, records=held_out)
        checks = made.manifest.parity
        console.show(tables.parity(checks), console.plain(checks), as_json=as_json)
