"""Where tenants' counts are kept: what is asked of a store, and what it answers.

A store counts what is spent and what is held, per tenant and window. Holds end when they are settled,
or, if the router that made them is gone, at the end of their lease.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from services.router.types.amounts import NOTHING, Amount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.types.resource_limits import Limits, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Room that is asked for: for one attempt, or for one more answer in the making."""

    id: str
    """Unique among all routers."""
    amount: Amount = NOTHING
    answers: int = 0
    """1 for the hold that stands for the answer itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a hold was refused."""

    limit: str
    """As the tenants file names it, e.g. `per_day.usd`."""
    resets_at_ms: int | None = None
    """When the window ends, in ms since 1970; None for a limit without window."""
    retry_after_ms: int | None = None
    """When another try is worth it; None if a whole window has no room for that much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What came of asking for holds."""

    count: int
    """How many of them were made: the first so many of those asked for."""
    at_ms: int
    """When, on the store's clock; names the windows that they count in."""
    refusal: Refusal | None = None
    """Why the next one was not made; None if all were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of a hold."""

    tenant_id: str
    hold_id: str
    at_ms: int
    """When it was made, on the store's clock."""
    used: Amount = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A tenant's counts at one moment."""

    answers: int = 0
    """Answers in the making."""
    held: Amount = NOTHING
    """Reserved and not settled; part of what the windows count."""
    windows: Mapping[Window, Amount] = field(default_factory=dict)
    """Spent and held in each window that is running now."""


class BudgetStore(Protocol):
    """Keeps the counts of every tenant."""

    async def reserve(
        self, tenant_id: str, limits: Limits, holds: Sequence[Hold], lease_ms: int
    ) -> Admission:
        """Makes as many of the holds as fit, in their order, all at one moment.

        Raises:
            BudgetStoreUnavailableError: The store does not answer. What it may still have made of the
                holds ends with their lease.
        """
        ...

    def settle(self, settlement: Settlement) -> None:
        """Counts what a hold used in place of what it held. Never waits and never fails.

        A hold whose lease has ended is counted all the same.
        """
        ...

    async def usage(self, tenant_id: str) -> Usage:
        """Returns a tenant's counts.

        Raises:
            BudgetStoreUnavailableError: The store does not answer.
        """
        ...
