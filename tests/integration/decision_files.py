"""Reads the records that a router under test has written to files."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING

from services.router.decision_records.record import DecisionRecord

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_S = 60.0
_POLL_S = 0.02


def written(folder: Path) -> list[DecisionRecord]:
    """Returns what is there now, oldest first."""
    found = []
    for path in sorted(folder.glob("decisions-*.jsonl.*")):
        data = path.read_bytes()
        lines = (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines(keepends=True)
        found += [
            DecisionRecord.model_validate_json(line) for line in lines if line.endswith(b"\n")
        ]
    return sorted(found, key=lambda record: record.time)


async def wait_for(folder: Path, count: int) -> list[DecisionRecord]:
    """Returns the records as soon as there are so many; they are written after the answer."""
    async with asyncio.timeout(_TIMEOUT_S):
        while len(found := written(folder)) < count:  # noqa: ASYNC110  # a file tells nobody
            await asyncio.sleep(_POLL_S)
    return found
