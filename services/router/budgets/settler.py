"""Sends settlements to a store in the background, until each is counted.

Those who settle are often being cancelled and cannot wait. What cannot be sent now is kept, in order,
and tried again. Since nothing is reserved while the store is down, no more is kept than was in flight.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from services.router.budgets.metrics import UNSETTLED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from services.router.budgets.store import Settlement

_BATCH = 100
_MAX_KEPT = 100_000
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 2.0
_log = structlog.get_logger()


class Settler:
    """A queue of settlements and the task that empties it.

    Args:
        send: Sends settlements of one tenant; says whether they were counted.
    """

    def __init__(self, send: Callable[[str, Sequence[Settlement]], Awaitable[bool]]) -> None:
        self._send = send
        self._kept: deque[Settlement] = deque()
        self._woken = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def add(self, settlement: Settlement) -> None:
        """Takes a settlement; drops it where far too many are kept already."""
        if len(self._kept) >= _MAX_KEPT:
            UNSETTLED.inc()
            return
        self._kept.append(settlement)
        self._empty.clear()
        self._woken.set()

    async def empty(self) -> None:
        """Waits until every settlement is counted."""
        await self._empty.wait()

    @asynccontextmanager
    async def running(self, *, close_timeout_s: float) -> AsyncIterator[None]:
        """Sends what is added until the block ends, then what is left, for a while."""
        # No task group: it would wrap whatever the block raises.
        sender = asyncio.create_task(self._run())
        try:
            yield
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.empty(), close_timeout_s)
            sender.cancel()
            with suppress(asyncio.CancelledError):
                await sender
            if self._kept:
                UNSETTLED.inc(len(self._kept))
                _log.error("budgets_unsettled", count=len(self._kept))

    async def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            await self._woken.wait()
            tenant_id = self._kept[0].tenant_id
            batch = [s for s in islice(self._kept, _BATCH) if s.tenant_id == tenant_id]
            if not await self._send(tenant_id, batch):
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            pause_s = _FIRST_PAUSE_S
            self._drop(batch)

    def _drop(self, sent: Sequence[Settlement]) -> None:
        for settlement in sent:
            self._kept.remove(settlement)
        if not self._kept:
            self._woken.clear()
            self._empty.set()
