"""One tenant's counts: pure arithmetic on a clock that is given.

Each window counts what is spent and held in it. Time never goes back for a tenant: where the clock
does, the latest time seen stands, so that no window opens twice. `budget.lua` does the same inside
Redis, and the same tests hold for both.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.budgets.store import Admission, Hold, Refusal, Usage
from services.router.types.amounts import NOTHING, Amount
from services.router.types.resource_limits import CONCURRENT_ANSWERS, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.types.resource_limits import Limits

BUSY_RETRY_MS = 1_000
"""When to try again where only others' holds are in the way: they end sooner than any window."""


@dataclass(slots=True)
class _WindowCount:
    start_ms: int = 0
    total: Amount = NOTHING


@dataclass(slots=True)
class TenantCounts:
    """What one tenant has spent and holds."""

    _now_ms: int = 0
    _windows: dict[Window, _WindowCount] = field(
        default_factory=lambda: {window: _WindowCount() for window in Window}
    )
    _answers: int = 0
    _held: Amount = NOTHING
    _holds: dict[str, tuple[int, Hold]] = field(default_factory=dict)
    """When each hold was made, and what it holds."""
    _leases: list[tuple[int, str]] = field(default_factory=list)
    """A heap of when each hold ends by itself; those settled before are still in it."""

    def reserve(
        self, now_ms: int, limits: Limits, holds: Sequence[Hold], lease_ms: int
    ) -> Admission:
        """Makes as many of the holds as fit, in their order."""
        self._move_to(now_ms)
        for count, hold in enumerate(holds):
            refusal = self._refusal(limits, hold)
            if refusal is not None:
                return Admission(count=count, at_ms=self._now_ms, refusal=refusal)
            self._holds[hold.id] = (self._now_ms, hold)
            heapq.heappush(self._leases, (self._now_ms + lease_ms, hold.id))
            self._held += hold.amount
            self._answers += hold.answers
            for window in self._windows.values():
                window.total += hold.amount
        return Admission(count=len(holds), at_ms=self._now_ms)

    def settle(self, now_ms: int, hold_id: str, at_ms: int, used: Amount) -> None:
        """Counts what a hold used in place of what it held, in the windows in which it was made."""
        self._move_to(now_ms)
        self._settle(hold_id, at_ms, used)

    def usage(self, now_ms: int) -> Usage:
        """Returns the counts."""
        self._move_to(now_ms)
        return Usage(
            answers=self._answers,
            held=self._held,
            windows={window: count.total for window, count in self._windows.items()},
        )

    def _move_to(self, now_ms: int) -> None:
        self._now_ms = max(self._now_ms, now_ms)
        for window, count in self._windows.items():
            start_ms = window.start_ms(self._now_ms)
            if start_ms != count.start_ms:
                count.start_ms, count.total = start_ms, NOTHING
        while self._leases and self._leases[0][0] <= self._now_ms:
            _, hold_id = heapq.heappop(self._leases)
            if hold_id in self._holds:
                self._settle(hold_id, self._holds[hold_id][0], NOTHING)

    def _settle(self, hold_id: str, at_ms: int, used: Amount) -> None:
        _, hold = self._holds.pop(hold_id, (at_ms, Hold(id=hold_id)))
        self._held -= hold.amount
        self._answers -= hold.answers
        for window, count in self._windows.items():
            if window.start_ms(at_ms) == count.start_ms:
                count.total += used - hold.amount

    def _refusal(self, limits: Limits, hold: Hold) -> Refusal | None:
        for window, caps in limits.longest_first():
            count = self._windows[window]
            resource = caps.refused_resource(count.total, hold.amount)
            if resource is None:
                continue
            resets_at_ms = count.start_ms + window.value
            retry_after_ms: int | None = BUSY_RETRY_MS
            if caps.refused_resource(NOTHING, hold.amount):
                retry_after_ms = None
            elif caps.refused_resource(count.total - self._held, hold.amount):
                retry_after_ms = resets_at_ms - self._now_ms
            return Refusal(
                limit=f"{window.key}.{resource}",
                resets_at_ms=resets_at_ms,
                retry_after_ms=retry_after_ms,
            )
        cap = limits.concurrent_answers
        if cap is not None and hold.answers and self._answers + hold.answers > cap:
            return Refusal(limit=CONCURRENT_ANSWERS, retry_after_ms=BUSY_RETRY_MS)
        return None
