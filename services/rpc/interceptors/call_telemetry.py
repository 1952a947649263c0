"""One metrics sample and one log line per call."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import grpc
import structlog
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import MethodOptions

from routemoa.errors import OverloadedError
from services.rpc.interceptors.call_span import begin_span, end_span
from services.rpc.telemetry import HANDLED, HANDLING_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Counter, Histogram

    from services.rpc.interceptors.call import Call

_log = structlog.get_logger()


@contextmanager
def telemetry(call: Call) -> Iterator[None]:
    """Measures the call; as the outermost guard, it records the status that the caller gets."""
    begin_span(call)
    try:
        yield
    finally:
        duration_s = time.perf_counter() - call.started_s
        _handled(call.method, call.code).inc()
        _handling_seconds(call.method).observe(duration_s, call.origin.exemplar)
        end_span(call)
        # Logged at debug: a successful call that changed nothing, since the metrics hold as much; and a
        # call that was refused for overload, since a line for each would add to the load.
        is_routine = call.reason == OverloadedError.reason or (
            call.code is grpc.StatusCode.OK and _has_no_side_effects(call.method)
        )
        (_log.debug if is_routine else _log.info)(
            "call",
            method=call.method,
            code=call.code.name,
            reason=call.reason,
            duration_ms=round(duration_s * 1000, 3),
            request_id=call.request_id,
            **call.origin.facts,
        )


@cache
def _handled(method: str, code: grpc.StatusCode) -> Counter:
    return HANDLED.labels(method.rpartition("/")[2], code.name)


@cache
def _handling_seconds(method: str) -> Histogram:
    return HANDLING_SECONDS.labels(method.rpartition("/")[2])


@cache
def _has_no_side_effects(method: str) -> bool:
    name = method.strip("/").replace("/", ".")
    options = descriptor_pool.Default().FindMethodByName(name).GetOptions()
    return options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS
