"""Prometheus metrics of feedback."""

from __future__ import annotations

from prometheus_client import Counter

FEEDBACK = Counter(
    "routemoa_router_feedback_total",
    "Feedback, by source and outcome: recorded, repeated, or the reason why it was refused.",
    ["source", "outcome"],
)
