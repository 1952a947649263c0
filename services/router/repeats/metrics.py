"""Prometheus metrics of repeated calls."""

from __future__ import annotations

from prometheus_client import Counter

REPEATED = Counter(
    "routemoa_router_repeated_calls_total",
    "Calls under a request id that was used before: joined, replayed or refused.",
    ["outcome"],
)
