"""The interface of a store of tenants' counts.

A store counts the amounts spent and held, per tenant and window. A hold ends when it is settled or, if
the router that made it is gone, at the end of its lease.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from services.router.types.amounts import NOTHING, Amount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.types.amounts import TenantLimits, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A request for room: for one attempt, or for the answer itself."""

    id: str
    """Unique among all routers."""
    amount: Amount = NOTHING
    answers: int = 0
    """1 for the hold of the answer itself, which counts as concurrent until it is settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The limit that refused a hold."""

    limit: str
    """The name in the tenants file, e.g. `per_day.usd`."""
    resets_at_ms: int | None = None
    """The end of the window, in ms since 1970; None for a limit without window."""
    retry_after_ms: int | None = None
    """Time to the next try; None if even an empty window has no room for the amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The result of a request for holds."""

    count: int
    """Number of holds that were made, counted from the first."""
    at_ms: int
    """The time of the holds on the store's clock; it decides the windows that they count in."""
    refusal: Refusal | None = None
    """The refusal of the next hold; None if all were made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The end of a hold, with the amount used."""

    tenant_id: str
    hold_id: str
    at_ms: int
    """The time of the hold on the store's clock."""
    used: Amount = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantUsage:
    """A tenant's counts at one moment."""

    answers: int = 0
    """Answers that are running."""
    held: Amount = NOTHING
    """Reserved and not settled; included in the windows' counts."""
    windows: Mapping[Window, Amount] = field(default_factory=dict)
    """Spent and held in the current window of each length."""


class BudgetStore(Protocol):
    """Keeps the counts of every tenant."""

    async def reserve(
        self, tenant_id: str, limits: TenantLimits, holds: Sequence[Hold], lease_ms: int
    ) -> Admission:
        """Makes as many of the holds as fit, in order, all at one moment.

        Raises:
            BudgetStoreUnavailableError: The store does not answer. If it made the holds all the same,
                they expire at the end of their lease.
        """
        ...

    def settle(self, settlement: Settlement) -> None:
        """Replaces a hold by the amount used. Never waits and never fails.

        The amount counts even if the hold's lease has ended.
        """
        ...

    async def usage(self, tenant_id: str) -> TenantUsage:
        """Returns a tenant's counts.

        Raises:
            BudgetStoreUnavailableError: The store does not answer.
        """
        ...
