"""What calls to models take: calls, tokens and money."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.router.types.ledger import LedgerEntry

_NANO_PER_USD = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Amount:
    """Calls, tokens and dollars, all whole numbers, so that sums are exact."""

    calls: int = 0
    tokens: int = 0
    """Read and written."""
    nano_usd: int = 0
    """Billionths of a dollar: a call of a few tokens to a cheap model is still more than nothing."""

    def __add__(self, other: Amount) -> Amount:
        """Returns the sum of each part."""
        return Amount(
            self.calls + other.calls, self.tokens + other.tokens, self.nano_usd + other.nano_usd
        )

    def __sub__(self, other: Amount) -> Amount:
        """Returns the difference of each part, which may be negative."""
        return Amount(
            self.calls - other.calls, self.tokens - other.tokens, self.nano_usd - other.nano_usd
        )

    def parts(self) -> tuple[int, int, int]:
        """Returns calls, tokens and billionths of a dollar."""
        return self.calls, self.tokens, self.nano_usd

    @property
    def usd(self) -> float:
        """The money in dollars."""
        return self.nano_usd / _NANO_PER_USD


NOTHING = Amount()


def nano_usd(usd: float) -> int:
    """Returns dollars in billionths, rounded up; but not for what a float is off."""
    return math.ceil(round(usd * _NANO_PER_USD, 3))


def used_by(entry: LedgerEntry) -> Amount:
    """Returns what an attempt took, as it stands in the ledger."""
    return Amount(1, entry.prompt_tokens + entry.completion_tokens, nano_usd(entry.cost_usd))
