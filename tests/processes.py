"""Processes that are no children of the tests."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def runs(pid: int) -> bool:
    """Returns whether a process runs; one that has ended may be there until it is reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(") ")[2][0] not in "ZX"


async def all_ended(pids: Iterable[int], *, timeout_s: float) -> None:
    """Waits until no process of these runs."""
    async with asyncio.timeout(timeout_s):
        while any(map(runs, pids)):  # noqa: ASYNC110  # they are children of others
            await asyncio.sleep(0.05)
