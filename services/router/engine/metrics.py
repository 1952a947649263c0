"""What the router measures of whole answers; calls to models are in `ledger.py`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

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
    "Rankings that lacked a model of the pool for which the pool file has no prior either.",
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
