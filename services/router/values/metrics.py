"""Prometheus metrics of the stores of values."""

from __future__ import annotations

from prometheus_client import Counter

FALLBACKS = Counter(
    "routemoa_router_shared_value_fallbacks_total",
    "Times that a router used its own memory because Redis failed, was slow or was full.",
    ["store", "operation"],
)
