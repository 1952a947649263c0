"""How long replicas take to begin: an average for choosing among them, a quantile for hedging."""

from __future__ import annotations

import math
import time
from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MEMORY_S = 10.0
"""Time after which a sample counts about a third."""


@dataclass(slots=True, kw_only=True)
class LatencyAverage:
    """An average of one replica's times to first text that forgets exponentially with time."""

    clock: Callable[[], float] = time.monotonic
    _value_s: float | None = field(default=None, init=False)
    _at_s: float = field(default=0.0, init=False)

    @property
    def known(self) -> float | None:
        """The average as of the last sample, in seconds; None before the first."""
        return self._value_s

    def observe(self, sample_s: float) -> None:
        """Takes a time to first text, or the time after which one that had none was given up."""
        now_s = self.clock()
        if self._value_s is None:
            self._value_s = sample_s
        else:
            kept = math.exp((self._at_s - now_s) / _MEMORY_S)
            self._value_s = self._value_s * kept + sample_s * (1 - kept)
        self._at_s = now_s

    @property
    def expected_s(self) -> float | None:
        """What to expect now; None before the first sample.

        It fades while nothing is heard of the replica: one that was slow once is asked again some day.
        """
        if self._value_s is None:
            return None
        return self._value_s * math.exp((self._at_s - self.clock()) / _MEMORY_S)


class LatencyQuantile:
    """The exact 95th percentile of the last 200 times to first text of one model."""

    _SAMPLES = 200
    _MIN_SAMPLES = 20
    _SHARE = 0.95

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self._sorted: list[float] = []

    def observe(self, sample_s: float) -> None:
        """Takes a sample, in seconds."""
        if len(self._recent) == self._SAMPLES:
            del self._sorted[bisect_left(self._sorted, self._recent.popleft())]
        self._recent.append(sample_s)
        insort(self._sorted, sample_s)

    @property
    def value_s(self) -> float | None:
        """The percentile in seconds; None until there are 20 samples."""
        count = len(self._sorted)
        return self._sorted[int(count * self._SHARE)] if count >= self._MIN_SAMPLES else None
