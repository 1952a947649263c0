"""Bounds extra attempts to a share of the calls, so that a bad hour does not become a storm.

The share is taken over a sliding window, kept in ten slices. What is allowed is the share or the floor,
whichever is more, and never their sum: with fifty calls in the window, a share of 0.2 is a true bound.
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
class Allowance:
    """Counts calls and what was tried beyond them."""

    share: float
    floor: int = 0
    """What is allowed however few calls there were."""
    clock: Callable[[], float] = time.monotonic
    _slices: deque[_Slice] = field(default_factory=deque, init=False)

    def note_call(self) -> None:
        """Counts a call."""
        self._current().calls += 1

    def take(self) -> bool:
        """Says whether one more extra attempt may be made, and counts it if so."""
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
