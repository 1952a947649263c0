"""What is measured of budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

from services.router.types.resource_limits import RESOURCES

if TYPE_CHECKING:
    from services.router.types.amounts import Amount

_MAX_TENANT_LABELS = 100
_OTHERS = "(others)"
SPENT = Counter(
    "routemoa_router_budget_spent_total",
    "What tenants spent: calls, tokens, dollars.",
    ["tenant", "resource"],
)
RESERVED = Gauge(
    "routemoa_router_budget_reserved_count",
    "What this router holds for attempts that are not settled: calls, tokens, dollars.",
    ["tenant", "resource"],
)
REFUSALS = Counter(
    "routemoa_router_budget_refusals_total",
    "Times that a tenant's budget had no room for calls, by the limit.",
    ["tenant", "limit"],
)
STORE_FAILURES = Counter(
    "routemoa_router_budget_store_failures_total",
    "Times that the store of the budgets did not answer.",
)
UNSETTLED = Counter(
    "routemoa_router_budget_unsettled_total",
    "Attempts whose use was never counted, since the store was down to the end.",
)
_meters: dict[str, TenantMeter] = {}


class TenantMeter:
    """One tenant's metrics, looked up once.

    Args:
        tenant: The label.
    """

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self._spent = [SPENT.labels(tenant, resource) for resource in RESOURCES]
        self._reserved = [RESERVED.labels(tenant, resource) for resource in RESOURCES]

    def reserved(self, amount: Amount) -> None:
        """Notes what is held from now on."""
        for gauge, part in zip(self._reserved, _in_units(amount), strict=True):
            gauge.inc(part)

    def settled(self, *, held: Amount, used: Amount) -> None:
        """Notes what an attempt used, and that nothing is held for it any more."""
        for gauge, part in zip(self._reserved, _in_units(held), strict=True):
            gauge.dec(part)
        for counter, part in zip(self._spent, _in_units(used), strict=True):
            counter.inc(part)


def meter(tenant_id: str) -> TenantMeter:
    """Returns a tenant's metrics: its own for the first hundred seen, else shared ones."""
    label = tenant_id
    if label not in _meters and len(_meters) >= _MAX_TENANT_LABELS:
        label = _OTHERS
    if label not in _meters:
        _meters[label] = TenantMeter(label)
    return _meters[label]


def _in_units(amount: Amount) -> tuple[float, float, float]:
    return amount.calls, amount.tokens, amount.usd
