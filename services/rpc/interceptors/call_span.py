"""The span of a call: it begins with the call, and ends with its status and facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from services.rpc.tracing import attributes
from services.rpc.tracing.spans import begin_call, fail, set_facts

if TYPE_CHECKING:
    from services.rpc.interceptors.call import Call

_FAILURES = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
"""Statuses that are the server's fault, by the conventions for gRPC."""


def begin_span(call: Call) -> None:
    """Begins the span of a call, under its caller's, and makes the call the current one."""
    call.origin = begin_call(
        call.method.lstrip("/"),
        call.request_id,
        traceparent=call.traceparent,
        tracestate=call.tracestate,
    )


def end_span(call: Call) -> None:
    """Ends the span of a call that has ended."""
    span = call.origin.span
    if not span.is_recording():
        return
    span.set_attribute(attributes.RPC_SYSTEM, "grpc")
    span.set_attribute(attributes.RPC_METHOD, call.method.lstrip("/"))
    span.set_attribute(attributes.RPC_STATUS, call.code.name)
    span.set_attribute(attributes.REQUEST_ID, call.request_id)
    set_facts(span, call.origin.facts)
    if call.code in _FAILURES:
        fail(span, call.reason or call.code.name)
    span.end()
