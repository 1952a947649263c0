"""JSON logs, and the Prometheus metrics that every service has."""

from __future__ import annotations

import errno
import logging
import platform
import sys
from typing import TYPE_CHECKING

import structlog
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    start_http_server,
)

from services import VERSION
from services.rpc.tracing.origin import ids

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

BUILD_INFO = Gauge(
    "routemoa_build_info",
    "1, with the version of the service and of its Python.",
    ["version", "python_version"],
    multiprocess_mode="livemax",
)
HANDLED = Counter(
    "grpc_server_handled_total", "Calls ended, by method and code.", ["method", "code"]
)
HANDLING_SECONDS = Histogram(
    "grpc_server_handling_seconds",
    "Time from a call's arrival to its end.",
    ["method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
# `multiprocess_mode` sets how the values of several processes of one service are combined.
IN_FLIGHT = Gauge("routemoa_calls_in_flight_count", "Calls in flight.", multiprocess_mode="livesum")
CALLS_LIMIT = Gauge(
    "routemoa_calls_limit_count",
    "Most calls that may be in flight.",
    multiprocess_mode="livesum",
)
REFUSED = Counter(
    "routemoa_calls_refused_total",
    "Calls refused before any work was done, or ended while they waited for their caller.",
    ["reason"],
)
GAVE_WAY = REFUSED.labels("gave_way")
BREAKER_OPEN = Gauge(
    "routemoa_breaker_open_count",
    "1 while the circuit breaker of a dependency is open, else 0.",
    ["dependency"],
    multiprocess_mode="livemax",
)
RELOADS = Counter(
    "routemoa_reloads_total",
    "Changed files that were loaded, or refused with new problems.",
    ["what", "outcome"],
)
RELOAD_REFUSED = Gauge(
    "routemoa_reload_refused_count",
    "1 while the current files are refused and the last valid ones are in use, else 0.",
    ["what"],
    multiprocess_mode="livemax",
)


def set_up_logging(level: str) -> None:
    """Writes every log line of the process to standard error, as JSON."""
    severity = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            _add_ids,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(severity),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _add_ids(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Adds the ids of the call to each line that is logged in it."""
    for name, value in ids().items():
        event.setdefault(name, value)
    return event


def serve_metrics(
    port: int | None, listen_address: str, registry: CollectorRegistry = REGISTRY
) -> None:
    """Opens the Prometheus endpoint on the host that the service listens on; None means none."""
    BUILD_INFO.labels(VERSION, platform.python_version()).set(1)
    if port is None:
        return
    host = listen_address.rpartition(":")[0].strip("[]")
    try:
        start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        # Like gRPC, takes all IPv4 addresses for all addresses where there is no IPv6.
        if host != "::" or error.errno != errno.EAFNOSUPPORT:
            raise
        start_http_server(port, addr="0.0.0.0", registry=registry)  # noqa: S104  # as configured
