"""Quantiles of the newest values, where older ones count for less and less."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from itertools import accumulate


class RecentValues:
    """The newest values; each counts half as much after every half-life.

    Args:
        half_life_s: Time after which a value counts half as much.
        size: How many values are kept.
    """

    def __init__(self, *, half_life_s: float, size: int = 64) -> None:
        self._half_life_s = half_life_s
        self._kept: deque[tuple[float, float]] = deque(maxlen=size)  # value, time it came at
        self._newest_s = 0.0
        self._weight = 0.0

    def add(self, value: float, now_s: float) -> None:
        """Notes a value. Time does not run backwards."""
        self._weight = min(self.weight(now_s) + 1, float(self._kept.maxlen or 0))
        self._newest_s = now_s
        self._kept.append((value, now_s))

    def weight(self, now_s: float) -> float:
        """Returns how many values that just came these are worth."""
        return self._weight * self._decay(now_s - self._newest_s)

    def quantiles(self, *shares: float) -> tuple[float, ...]:
        """Returns, per share, the least value that so much of the weight does not exceed.

        The weights of all values fall alike, so that they only change when a value comes.

        Args:
            shares: Each in [0, 1].

        Raises:
            ValueError: There are no values.
        """
        if not self._kept:
            message = "there are no values"
            raise ValueError(message)
        newest_s, half_life_s = self._newest_s, self._half_life_s
        weighted = sorted(
            [(value, 0.5 ** ((newest_s - at) / half_life_s)) for value, at in self._kept]
        )
        reached = list(accumulate([weight for _, weight in weighted]))
        found = [bisect_left(reached, share * reached[-1]) for share in shares]
        return tuple(weighted[place][0] for place in found)

    def _decay(self, age_s: float) -> float:
        return float(0.5 ** (age_s / self._half_life_s))
