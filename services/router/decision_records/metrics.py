"""Prometheus metrics of decision records, and of the feedback on them."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

WRITTEN = Counter(
    "routemoa_router_decisions_written_total", "Decision records, and feedback, that were written."
)
DROPPED = Counter(
    "routemoa_router_decisions_dropped_total",
    "Decision records, and feedback, that were lost.",
    ["reason"],
)
SINK_FAILURES = Counter(
    "routemoa_router_decision_sink_failures_total",
    "Writes of decision records, or feedback, that failed.",
)
BUFFERED = Gauge(
    "routemoa_router_decision_buffer_bytes",
    "Decision records, and feedback, that wait to be written, in bytes.",
)
