"""Bills attempts: usage -> the tokens and dollars to book.

A backend may report anything. No attempt is booked above its reservation, the worst case of its call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.types.amounts import nano_usd

if TYPE_CHECKING:
    from services.router.backends.http.usage import Usage
    from services.router.pool.prices import Prices
    from services.router.types.amounts import Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The tokens and dollars to book for an attempt."""

    usage: Usage
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The prices of an attempt, and the most that may be booked for it."""

    prices: Prices
    worst: Amount
    """The reservation."""
    max_reply_tokens: int

    def bill(self, usage: Usage) -> Bill:
        """Returns the bill for a usage, cut to the reservation."""
        usage = usage.at_most(tokens=self.worst.tokens, completion_tokens=self.max_reply_tokens)
        cost_usd = usage.cost_at(self.prices)
        within = nano_usd(cost_usd) <= self.worst.nano_usd
        return Bill(usage=usage, cost_usd=cost_usd if within else self.worst.usd)

    def is_exceeded_by(self, usage: Usage) -> bool:
        """Returns whether a usage is more than the reservation."""
        tokens = usage.prompt_tokens + usage.completion_tokens
        return tokens > self.worst.tokens or (
            nano_usd(usage.cost_at(self.prices)) > self.worst.nano_usd
        )
