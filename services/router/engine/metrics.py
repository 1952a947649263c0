"""Prometheus metrics of answers and of calls to models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from services.router.types.ledger import LedgerEntry

_CALLS = Counter("routemoa_router_model_calls_total", "Calls to models.", ["model_id", "status"])
_COST = Counter("routemoa_router_cost_usd_total", "Spending on models, in dollars.", ["model_id"])

ANSWERS = Counter(
    "routemoa_router_answers_total",
    "Answers given, by why no further layer ran and by strategy.",
    ["stop_reason", "strategy"],
)
BUDGET_SHARE = Histogram(
    "routemoa_router_budget_share",
    "What an answer cost, as a share of what its policy allows; policies without a limit left out.",
    buckets=(0.1, 0.25, 0.5, 0.75, 0.9, 1),
)
ARTIFACT_MISMATCHES = Counter(
    "routemoa_router_artifact_mismatches_total",
    "Rankings that lacked a model of the pool for which the pool file has no prior either; it had a "
    "mean score.",
)
POOL_MODELS = Gauge("routemoa_router_pool_model_count", "Models of the pool that is in use.")
UNCERTAIN_QUERIES = Counter(
    "routemoa_router_uncertain_queries_total",
    "Queries whose ranking was too uncertain, so that the pool's safe models ran.",
)
STAND_INS = Counter(
    "routemoa_router_stand_ins_total",
    "Models that ran in a layer because another was silent for longer than is usual for it.",
)
DRAFTS = Counter(
    "routemoa_router_drafts_total",
    "Final answers begun while late models could still overturn them, by what became of them: used, "
    "dropped.",
    ["end"],
)


def record_entry(entry: LedgerEntry) -> None:
    """Counts an attempt at a call to a model, and its cost."""
    _CALLS.labels(entry.model_id, entry.status.name).inc()
    _COST.labels(entry.model_id).inc(entry.cost_usd)
