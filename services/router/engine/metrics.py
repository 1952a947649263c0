"""Prometheus metrics of answers."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

ANSWERS = Counter(
    "routemoa_router_answers_total",
    "Answers, by the reason why no further layer ran and by strategy.",
    ["stop_reason", "strategy"],
)
BUDGET_SHARE = Histogram(
    "routemoa_router_budget_share",
    "Cost of an answer as a share of its policy's limit; answers without a limit are left out.",
    buckets=(0.1, 0.25, 0.5, 0.75, 0.9, 1),
)
POOL_MODELS = Gauge("routemoa_router_pool_model_count", "Models of the current pool.")
UNCERTAINTY = Histogram(
    "routemoa_router_uncertainty",
    "Uncertainty of the ranking of an answer's query, where the scorer knows it.",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
)
UNCERTAIN_QUERIES = Counter(
    "routemoa_router_uncertain_queries_total",
    "Queries whose ranking was too uncertain, so that the pool's safe models ran.",
)
STAND_INS = Counter(
    "routemoa_router_stand_ins_total",
    "Backup models: started because another was silent for longer than 95 % of its calls.",
)
DRAFTS = Counter(
    "routemoa_router_drafts_total",
    "Speculative answers: final answers that started before their layer ended, by end: used, dropped.",
    ["end"],
)
