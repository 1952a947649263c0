"""Prometheus metrics of the gateway."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "routemoa_gateway_requests_total",
    "Requests ended, by API and HTTP status; 499 if the client went away.",
    ["api", "status"],
)
SECONDS = Histogram(
    "routemoa_gateway_request_seconds",
    "Time from a request's arrival to the end of its response.",
    ["api"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
)
FIRST_BYTE_SECONDS = Histogram(
    "routemoa_gateway_first_byte_seconds",
    "Time from a request's arrival to the first byte of its response's body.",
    ["api"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
BROKEN_STREAMS = Counter(
    "routemoa_gateway_broken_streams_total",
    "Streams that ended with an error after they had begun, by the kind of the error.",
    ["api", "kind"],
)
CLIENT_GONE = 499
"""The status of a request whose client went away, as others log it."""
