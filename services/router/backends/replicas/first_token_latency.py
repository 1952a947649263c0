"""Time to first token: an average per replica for load balancing, a quantile per model for hedging."""

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
"""Time constant: after it a sample weighs 1/e."""


@dataclass(slots=True, kw_only=True)
class LatencyAverage:
    """The exponentially decaying average of one replica's times to first token."""

    clock: Callable[[], float] = time.monotonic
    _value_s: float | None = field(default=None, init=False)
    _at_s: float = field(default=0.0, init=False)

    @property
    def known(self) -> float | None:
        """The average as of the last sample, in seconds; None before the first."""
        return self._value_s

    def observe(self, sample_s: float) -> None:
        """Adds a time to first token, or the time after which a silent attempt was given up."""
        now_s = self.clock()
        if self._value_s is None:
            self._value_s = sample_s
        else:
            kept = math.exp((self._at_s - now_s) / _MEMORY_S)
            self._value_s = self._value_s * kept + sample_s * (1 - kept)
        self._at_s = now_s

    @property
    def expected_s(self) -> float | None:
        """The expected time to first token; None before the first sample.

        It decays while there are no samples, so that a replica that was slow once is tried again.
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
        """Adds a sample, in seconds."""
        if len(self._recent) == self._SAMPLES:
            del self._sorted[bisect_left(self._sorted, self._recent.popleft())]
        self._recent.append(sample_s)
        insort(self._sorted, sample_s)

    @property
    def value_s(self) -> float | None:
        """The percentile in seconds; None until there are 20 samples."""
        count = len(self._sorted)
        return self._sorted[int(count * self._SHARE)] if count >= self._MIN_SAMPLES else None
