"""The dollars that may still be spent: the worst case of a call is set aside before it."""

from __future__ import annotations

import math


class Purse:
    """Keeps the sum of all calls, those under way at their worst, within a limit."""

    def __init__(self, limit_usd: float | None, spent_usd: float) -> None:
        self._limit_usd = math.inf if limit_usd is None else limit_usd
        self._reserved_usd = 0.0
        self.spent_usd = spent_usd
        """Dollars of all calls that have ended."""

    def reserve(self, worst_usd: float) -> bool:
        """Sets dollars aside; returns False, and sets nothing aside, if there are too few."""
        if self.spent_usd + self._reserved_usd + worst_usd > self._limit_usd:
            return False
        self._reserved_usd += worst_usd
        return True

    def settle(self, worst_usd: float, used_usd: float) -> None:
        """Replaces the dollars that were set aside for a call by those that it took."""
        self._reserved_usd -= worst_usd
        self.spent_usd += used_usd
