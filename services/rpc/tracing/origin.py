"""The call that work is done for: its request id, its span, and facts for its log line.

It is kept in a context variable, so that tasks which the call starts have it too.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from opentelemetry.trace import INVALID_SPAN, Span, format_span_id, format_trace_id

Fact = str | float | None


@dataclass(slots=True, kw_only=True)
class Origin:
    """The call that work is done for."""

    request_id: str = ""
    """The caller's `x-request-id`, or a new one; empty outside a call."""
    span: Span = INVALID_SPAN
    """The span that is open: of the call, or of a stage of its work."""
    facts: dict[str, Fact] = field(default_factory=dict)
    """Further fields of the call's log line."""

    @property
    def trace_id(self) -> str:
        """The trace id in hexadecimal; empty if there is no trace."""
        context = self.span.get_span_context()
        return format_trace_id(context.trace_id) if context.is_valid else ""

    @property
    def exemplar(self) -> dict[str, str] | None:
        """The labels of an exemplar of a metric; None if no trace is recorded."""
        if not self.span.is_recording():
            return None
        context = self.span.get_span_context()
        return {
            "trace_id": format_trace_id(context.trace_id),
            "span_id": format_span_id(context.span_id),
        }


_current: ContextVar[Origin | None] = ContextVar("origin", default=None)


def current() -> Origin:
    """Returns the call that work is done for; a new one without an id outside a call."""
    return _current.get() or Origin()


def set_current(origin: Origin) -> None:
    """Sets the call that this task works for."""
    _current.set(origin)


def ids() -> dict[str, str]:
    """Returns the request id and the trace id of the current call, as far as there are any."""
    origin = _current.get()
    if origin is None:
        return {}
    found = {"request_id": origin.request_id, "trace_id": origin.trace_id}
    return {name: value for name, value in found.items() if value}
