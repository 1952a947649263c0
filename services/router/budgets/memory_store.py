"""Counts in memory: for one router, gone when it restarts."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

from services.router.budgets.counts import TenantCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.router.budgets.store import Admission, Hold, Settlement, Usage
    from services.router.types.resource_limits import Limits


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class MemoryStore:
    """A `BudgetStore` of this process, whose event loop lets nothing between check and count."""

    def __init__(self, clock_ms: Callable[[], int] = _wall_clock_ms) -> None:
        self._clock_ms = clock_ms
        self._tenants: defaultdict[str, TenantCounts] = defaultdict(TenantCounts)

    async def reserve(
        self, tenant_id: str, limits: Limits, holds: Sequence[Hold], lease_ms: int
    ) -> Admission:
        """Makes as many of the holds as fit; see `BudgetStore`."""
        return self._tenants[tenant_id].reserve(self._clock_ms(), limits, holds, lease_ms)

    def settle(self, settlement: Settlement) -> None:
        """Counts what a hold used; see `BudgetStore`."""
        self._tenants[settlement.tenant_id].settle(
            self._clock_ms(), settlement.hold_id, settlement.at_ms, settlement.used
        )

    async def usage(self, tenant_id: str) -> Usage:
        """Returns a tenant's counts."""
        return self._tenants[tenant_id].usage(self._clock_ms())
