"""Prometheus metrics of replicas. Labels hold an index in the set, never an address."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

REPLICAS = Gauge(
    "routemoa_router_replicas_count", "Replicas of a model that are known.", ["model_id"]
)
EJECTED = Gauge(
    "routemoa_router_replicas_ejected_count",
    "Replicas of a model that are ejected because they failed.",
    ["model_id"],
)
ATTEMPTS = Counter(
    "routemoa_router_attempts_total",
    "Attempts of calls to models, by the reason for each.",
    ["model_id", "kind"],
)
REPLICA_CALLS = Counter(
    "routemoa_router_replica_calls_total",
    "Attempts by the replica's index in the set; indices from 16 on are counted together.",
    ["model_id", "replica", "status"],
)
ATTEMPTS_WITHHELD = Counter(
    "routemoa_router_attempts_withheld_total",
    "Retries and hedges that were not made because their budget was used up.",
    ["model_id", "kind"],
)
DISCOVERY_FAILURES = Counter(
    "routemoa_router_discovery_failures_total",
    "Failed lookups of a model's replicas; the last known ones stay in use.",
    ["model_id"],
)
