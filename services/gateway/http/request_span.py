"""The span of a request: the root of its trace, unless its caller has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.rpc.tracing import attributes
from services.rpc.tracing.propagation import TRACEPARENT, TRACESTATE
from services.rpc.tracing.spans import begin_call, fail, set_facts

if TYPE_CHECKING:
    from services.gateway.http.exchange import Exchange

FIRST_FAILURE = 500
"""Lower statuses are no failures of a server, by the conventions for HTTP."""


def begin_span(exchange: Exchange) -> None:
    """Begins the span of a request, and makes the request the current call."""
    exchange.origin = begin_call(
        f"POST {exchange.path}",
        exchange.request_id,
        traceparent=exchange.headers.get(TRACEPARENT, ""),
        tracestate=exchange.headers.get(TRACESTATE, ""),
    )


def end_span(exchange: Exchange, error_type: str | None) -> None:
    """Ends the span of a request that has ended.

    Args:
        exchange: The request.
        error_type: The reason of its error; None if there was none.
    """
    span = exchange.origin.span
    if not span.is_recording():
        return
    span.set_attribute(attributes.HTTP_METHOD, "POST")
    span.set_attribute(attributes.HTTP_ROUTE, exchange.path)
    span.set_attribute(attributes.REQUEST_ID, exchange.request_id)
    if exchange.status is not None:
        span.set_attribute(attributes.HTTP_STATUS, exchange.status)
    set_facts(span, exchange.origin.facts)
    broke = error_type is not None and exchange.status in {None, 200}
    if broke or (exchange.status or 0) >= FIRST_FAILURE:
        fail(span, error_type or str(exchange.status))
    span.end()
