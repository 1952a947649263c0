"""One metrics sample and one access line per call."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from services.rpc.telemetry import HANDLED, HANDLING_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.rpc.interceptors.guard import Call

_log = structlog.get_logger()


@asynccontextmanager
async def telemetry(call: Call) -> AsyncIterator[None]:
    """Measures the call; being the outermost guard, it sees the code that the caller sees."""
    try:
        yield
    finally:
        duration_s = time.perf_counter() - call.started_s
        method = call.method.rpartition("/")[2]
        HANDLED.labels(method, call.code.name).inc()
        HANDLING_SECONDS.labels(method).observe(duration_s)
        _log.info(
            "call",
            method=call.method,
            code=call.code.name,
            reason=call.reason,
            duration_ms=round(duration_s * 1000, 3),
            request_id=call.request_id,
        )
