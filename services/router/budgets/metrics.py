"""Prometheus metrics of budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

from services.router.types.amounts import RESOURCES

if TYPE_CHECKING:
    from services.router.types.amounts import Amount

_MAX_TENANT_LABELS = 100
_OTHERS = "(others)"
SPENT = Counter(
    "routemoa_router_budget_spent_total",
    "Spending of tenants: calls, tokens, dollars.",
    ["tenant", "resource"],
)
RESERVED = Gauge(
    "routemoa_router_budget_reserved_count",
    "Reserved by this router for attempts that are not settled: calls, tokens, dollars.",
    ["tenant", "resource"],
)
REFUSALS = Counter(
    "routemoa_router_budget_refusals_total",
    "Refused calls of tenants, by the limit that had no room.",
    ["tenant", "limit"],
)
STORE_FAILURES = Counter(
    "routemoa_router_budget_store_failures_total",
    "Failed calls to the store of the budgets.",
)
UNSETTLED = Counter(
    "routemoa_router_budget_unsettled_total",
    "Attempts that were never counted because the store stayed down.",
)
_meters: dict[str, TenantMeter] = {}


class TenantMeter:
    """One tenant's metrics, with their labels resolved once.

    Args:
        tenant: The value of the label.
    """

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self._spent = [SPENT.labels(tenant, resource) for resource in RESOURCES]
        self._reserved = [RESERVED.labels(tenant, resource) for resource in RESOURCES]

    def reserved(self, amount: Amount) -> None:
        """Adds a reservation."""
        for gauge, part in zip(self._reserved, amount.in_units(), strict=True):
            gauge.inc(part)

    def settled(self, *, held: Amount, used: Amount) -> None:
        """Replaces a reservation by the amount used."""
        for gauge, part in zip(self._reserved, held.in_units(), strict=True):
            gauge.dec(part)
        for counter, part in zip(self._spent, used.in_units(), strict=True):
            counter.inc(part)


def meter(tenant_id: str) -> TenantMeter:
    """Returns a tenant's metrics; after the first hundred tenants, all others share one."""
    label = tenant_id
    if label not in _meters and len(_meters) >= _MAX_TENANT_LABELS:
        label = _OTHERS
    if label not in _meters:
        _meters[label] = TenantMeter(label)
    return _meters[label]
