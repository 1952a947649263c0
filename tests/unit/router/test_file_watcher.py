"""The watcher of the router's files outlives whatever a new file brings about."""

from __future__ import annotations

import asyncio
from typing import Any

from services.router.file_watcher import FileWatcher


class _Changing:
    """A file that has changed at every look."""

    value: Any = None

    def refresh(self) -> bool:
        return True


async def test_a_change_that_cannot_be_applied_does_not_end_the_watch() -> None:
    applied = asyncio.Event()
    attempts = 0

    def use(_: object) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise RuntimeError("this pool cannot be used")
        applied.set()

    changing: Any = _Changing()
    watcher = FileWatcher(
        pool=changing, use_pool=use, accounts=changing, tls=None, connections=(), interval_s=0.01
    )
    async with watcher.running(), asyncio.timeout(60):
        await applied.wait()
