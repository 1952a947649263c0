"""A retry budget: extra attempts are a bounded share of the calls, so that retries cause no storm.

The share applies to a sliding window of ten slices. The budget is the share of its calls or the floor,
whichever is more.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_S = 30.0
_SLICES = 10


@dataclass(slots=True)
class _Slice:
    until_s: float
    calls: int = 0
    extra: int = 0


@dataclass(slots=True, kw_only=True)
class RetryBudget:
    """Counts calls, and the extra attempts beyond them."""

    share: float
    floor: int = 0
    """Extra attempts that are allowed however few calls there were."""
    clock: Callable[[], float] = time.monotonic
    _slices: deque[_Slice] = field(default_factory=deque, init=False)

    def record_call(self) -> None:
        """Counts a call."""
        self._current().calls += 1

    def take(self) -> bool:
        """Counts one extra attempt if the budget has room; returns whether it had."""
        current = self._current()
        calls = sum(part.calls for part in self._slices)
        extra = sum(part.extra for part in self._slices)
        if extra + 1 > max(self.floor, self.share * calls):
            return False
        current.extra += 1
        return True

    def _current(self) -> _Slice:
        now_s = self.clock()
        slices = self._slices
        while slices and slices[0].until_s <= now_s - WINDOW_S:
            slices.popleft()
        if not slices or slices[-1].until_s <= now_s:
            slices.append(_Slice(now_s + WINDOW_S / _SLICES))
        return slices[-1]
