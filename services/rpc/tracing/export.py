"""Sends spans to a collector, if the standard variables name one.

`OTEL_EXPORTER_OTLP_ENDPOINT` turns tracing on; sampling, batches and resource are those of the other
`OTEL_*` variables (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
The SDK is imported only then.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from services import VERSION
from services.rpc.tracing.attributes import SCHEMA_URL
from services.rpc.tracing.spans import use_tracer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from opentelemetry.sdk.trace.export import BatchSpanProcessor

FLUSH_S = 5.0
"""Time to send the spans that are left at the end."""
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_log = structlog.get_logger()


class TracingProblemError(Exception):
    """Raised if tracing is asked for and cannot be had, for a reason that an operator can fix."""


def is_on(variables: Mapping[str, str]) -> bool:
    """Returns whether the environment asks for traces.

    Raises:
        TracingProblemError: It asks for an exporter or a protocol that there is none for.
    """
    exporter = variables.get("OTEL_TRACES_EXPORTER", "").strip()
    has_endpoint = any(variables.get(name, "").strip() for name in _ENDPOINTS)
    if variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter == "none":
        return False
    if exporter not in {"", "otlp"}:
        raise TracingProblemError(f"OTEL_TRACES_EXPORTER must be otlp or none, is {exporter}")
    if not (exporter or has_endpoint):
        return False
    for name in _PROTOCOLS:
        protocol = variables.get(name, "").strip()
        if protocol not in {"", "grpc"}:
            raise TracingProblemError(f"{name} must be grpc, is {protocol}")
    return True


@asynccontextmanager
async def exported_traces(service_name: str) -> AsyncIterator[None]:
    """Records spans until the block ends, then sends those that are left.

    Does nothing if the environment does not ask for traces.

    Args:
        service_name: The name of the service, unless `OTEL_SERVICE_NAME` gives another.

    Raises:
        TracingProblemError: The SDK is not installed, or cannot do what the environment asks for.
    """
    if not is_on(os.environ):
        yield
        return
    processor = _start(service_name)
    try:
        yield
    finally:
        use_tracer(None)
        await asyncio.to_thread(_flush, processor)


def _start(service_name: str) -> BatchSpanProcessor:
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415  # off: not loaded
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        message = "tracing needs the packages of routemoa[otel]"
        raise TracingProblemError(message) from error
    _pass_on_warnings()
    own = {"service.name": service_name, "service.version": VERSION}
    resource = Resource.create(own).merge(OTELResourceDetector().detect())
    processor = BatchSpanProcessor(OTLPSpanExporter())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    use_tracer(provider.get_tracer("routemoa", VERSION, SCHEMA_URL))
    _log.info("tracing", service=resource.attributes["service.name"])
    return processor


def _flush(processor: BatchSpanProcessor) -> None:
    """Sends the spans that are left; gives up after a while, and then says so by a log line."""
    batches = processor._batch_processor  # noqa: SLF001  # the public method takes no timeout
    batches.shutdown(timeout_millis=round(FLUSH_S * 1000))
    if left := len(batches._queue):  # noqa: SLF001
        _log.warning("spans_lost", count=left)


def _pass_on_warnings() -> None:
    """Logs the SDK's warnings as JSON, e.g. that the collector is away or that spans are dropped."""
    logger = logging.getLogger("opentelemetry")
    if not any(isinstance(handler, _Warnings) for handler in logger.handlers):
        logger.addHandler(_Warnings(logging.WARNING))
        logger.propagate = False


class _Warnings(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _log.warning("tracing_problem", message=record.getMessage())
