"""Sends settlements in the background until each is counted, in the order in which they were made.

queue -> batch of one tenant -> counted -> kept for a minute -> forgotten
                             -> not counted -> sent again later

Redis confirms a write before its replicas have it. If one of them becomes the primary, settlements of
the last moment are lost there, so those of the last minute are sent once more. A settlement that is
there already counts once.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from routemoa.errors import BudgetStoreUnavailableError
from services.router.budgets.metrics import UNSETTLED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from services.router.budgets.store import Settlement

_BATCH = 100
_MAX_KEPT = 100_000
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 0.5
_REPEATABLE_S = 60.0
"""Time for which counted settlements are kept. A replica that is further behind is none to promote."""
_log = structlog.get_logger()


class UncountableError(Exception):
    """Raised for settlements that the store refuses, and would refuse again."""


class CountedSettlements:
    """The settlements of the last minute, with the primary that counted each.

    In a Cluster, tenants have different primaries.
    """

    def __init__(self) -> None:
        self._counted: deque[tuple[float, str, Settlement]] = deque(maxlen=_MAX_KEPT)
        self._repeated: set[str] = set()
        self._primaries: dict[str, str] = {}
        """By tenant."""

    def add(self, primary: str, settlements: Sequence[Settlement]) -> Sequence[Settlement]:
        """Adds settlements of one tenant; returns those of its former primary, if this one is new.

        Each is returned once at most, so that two primaries that take turns end in silence.
        """
        lost: list[Settlement] = []
        tenant_id = settlements[0].tenant_id
        former = self._primaries.get(tenant_id)
        self._primaries[tenant_id] = primary
        if former not in {None, "", primary}:
            lost = [
                settlement for _, counted_by, settlement in self._counted if counted_by == former
            ]
            self._repeated |= {settlement.hold_id for settlement in lost}
            others = (each for each in self._counted if each[1] != former)
            self._counted = deque(others, maxlen=_MAX_KEPT)
        now_s = time.monotonic()
        while self._counted and self._counted[0][0] < now_s - _REPEATABLE_S:
            self._counted.popleft()
        for settlement in settlements:
            if settlement.hold_id in self._repeated:
                self._repeated.discard(settlement.hold_id)
            else:
                self._counted.append((now_s, primary, settlement))
        return lost


class Settler:
    """A queue of settlements and the task that sends them.

    Args:
        send: Sends settlements of one tenant and returns the id of the primary that counted them.
            Raises BudgetStoreUnavailableError if they are to be sent again, UncountableError if not.
    """

    def __init__(self, send: Callable[[str, Sequence[Settlement]], Awaitable[str]]) -> None:
        self._send = send
        self._kept: deque[Settlement] = deque()
        self._counted = CountedSettlements()
        self._woken = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def add(self, settlement: Settlement) -> None:
        """Queues a settlement; drops it if far too many are queued already."""
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
        """Sends settlements until the block ends, then the rest until a timeout."""
        # Not a task group: it would wrap the exceptions of the block.
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
            lost: Sequence[Settlement] = ()
            try:
                lost = self._counted.add(await self._send(tenant_id, batch), batch)
            except BudgetStoreUnavailableError:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            except UncountableError:
                UNSETTLED.inc(len(batch))
            pause_s = _FIRST_PAUSE_S
            self._next(batch, lost)

    def _next(self, done: Sequence[Settlement], lost: Sequence[Settlement]) -> None:
        for settlement in done:
            self._kept.remove(settlement)
        if lost:
            _log.warning("budget_primary_changed", repeated_settlements=len(lost))
            self._kept.extendleft(reversed(lost))
        if not self._kept:
            self._woken.clear()
            self._empty.set()
