"""Starts spans; none while tracing is off.

Only the span of a call asks the sampler. The stages of its work have spans if that one is recorded, so
that a call which is not sampled costs next to nothing more.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import grpc.aio
from opentelemetry.trace import Link, SpanKind, StatusCode, set_span_in_context

from routemoa.errors import RouteMoAError
from services.rpc.tracing.attributes import ERROR_TYPE, FACTS
from services.rpc.tracing.origin import Origin, current, set_current
from services.rpc.tracing.propagation import remote_span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import Attributes

    from services.rpc.tracing.origin import Fact

_tracer: Tracer | None = None
"""None while tracing is off."""


def use_tracer(tracer: Tracer | None) -> None:
    """Makes all spans by a tracer from now on; None turns tracing off."""
    global _tracer  # noqa: PLW0603  # one per process, set at its start and its end
    _tracer = tracer


def begin_call(
    name: str, request_id: str, *, traceparent: str = "", tracestate: str = ""
) -> Origin:
    """Returns a new call, with its span, and makes it the current one.

    Args:
        name: The name of the span.
        request_id: The id of the call.
        traceparent: The caller's header of this name; empty if it has none.
        tracestate: The caller's header of this name.
    """
    span = remote_span(traceparent, tracestate)
    if _tracer is not None:
        parent = set_span_in_context(span)
        span = _tracer.start_span(name, context=parent, kind=SpanKind.SERVER)
    origin = Origin(request_id=request_id, span=span)
    set_current(origin)
    return origin


def start_span(
    name: str,
    parent: Span,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes = None,
    links: Sequence[Span] = (),
) -> Span:
    """Returns a new span under one that is recorded; that one itself if it is not.

    Whoever gets it ends it if it is recorded.
    """
    if _tracer is None or not parent.is_recording():
        return parent
    return _tracer.start_span(
        name,
        context=set_span_in_context(parent),
        kind=kind,
        attributes=attributes,
        links=[Link(span.get_span_context()) for span in links],
    )


@contextmanager
def stage(name: str, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[Span]:
    """Opens a span for a stage of the current call's work; spans of its work go under it."""
    origin = current()
    if not origin.span.is_recording():
        yield origin.span
        return
    span = start_span(name, origin.span, kind=kind)
    set_current(replace(origin, span=span))
    try:
        yield span
    except (asyncio.CancelledError, GeneratorExit):
        raise
    except Exception as error:
        fail(span, _error_type(error))
        raise
    finally:
        span.end()
        set_current(origin)


def _error_type(error: Exception) -> str:
    if isinstance(error, RouteMoAError) and error.reason is not None:
        return error.reason
    if isinstance(error, grpc.aio.AioRpcError):
        return error.code().name
    return type(error).__name__


def set_facts(span: Span, facts: Mapping[str, Fact]) -> None:
    """Sets the attributes of the facts about a call."""
    for name, value in facts.items():
        if value is not None:
            span.set_attribute(FACTS[name], value)


def fail(span: Span, error_type: str) -> None:
    """Marks a span as failed, by a word for the cause and no text of the error."""
    span.set_attribute(ERROR_TYPE, error_type)
    span.set_status(StatusCode.ERROR, error_type)
