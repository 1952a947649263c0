"""What the router measures of replicas. Labels name a place in the set, never an address."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

REPLICAS = Gauge(
    "routemoa_router_replicas_count", "Replicas of a model that are known.", ["model_id"]
)
EJECTED = Gauge(
    "routemoa_router_replicas_ejected_count",
    "Replicas of a model that are left alone because they failed.",
    ["model_id"],
)
ATTEMPTS = Counter(
    "routemoa_router_attempts_total",
    "Attempts to have a model called, by why each was made.",
    ["model_id", "kind"],
)
REPLICA_CALLS = Counter(
    "routemoa_router_replica_calls_total",
    "Attempts by the replica's place in the set; places from 16 on are counted together.",
    ["model_id", "replica", "status"],
)
ATTEMPTS_WITHHELD = Counter(
    "routemoa_router_attempts_withheld_total",
    "Retries and hedges that were not made because their share was used up.",
    ["model_id", "kind"],
)
DISCOVERY_FAILURES = Counter(
    "routemoa_router_discovery_failures_total",
    "Times that a model's replicas could not be looked up; the last known ones stay in use.",
    ["model_id"],
)
_MAX_PLACES = 16


def place_label(place: int) -> str:
    """Returns the label of a replica's place, from 0; bounded, however many replicas there are."""
    return str(place) if place < _MAX_PLACES else "more"
