"""Reads and writes the headers that carry a trace and a request id: W3C Trace Context.

The format: https://www.w3.org/TR/trace-context/. Headers that do not keep to it count as absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.trace import INVALID_SPAN, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    Headers = tuple[tuple[str, str], ...]

REQUEST_ID = "x-request-id"
TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
MAX_TRACESTATE_CHARACTERS = 512
"""A longer state is left out, as the standard allows."""

_format = TraceContextTextMapPropagator()


def remote_span(traceparent: str, tracestate: str = "") -> Span:
    """Returns the caller's span; `INVALID_SPAN` if its headers name none."""
    if not traceparent:
        return INVALID_SPAN
    carrier = {TRACEPARENT: traceparent}
    if tracestate and len(tracestate) <= MAX_TRACESTATE_CHARACTERS:
        carrier[TRACESTATE] = tracestate
    return get_current_span(_format.extract(carrier))


def trace_headers(span: Span) -> Headers:
    """Returns the headers that make a span the parent of the work of whoever gets them."""
    context = span.get_span_context()
    if not context.is_valid:
        return ()
    parent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    if not context.trace_state:
        return ((TRACEPARENT, parent),)
    return ((TRACEPARENT, parent), (TRACESTATE, context.trace_state.to_header()))


def call_headers(request_id: str, span: Span) -> Headers:
    """Returns the headers of a call that is made for another one.

    Args:
        request_id: The id of the other call; empty if there is none.
        span: The span of the new call.
    """
    if not request_id:
        return trace_headers(span)
    return ((REQUEST_ID, request_id), *trace_headers(span))
