"""Spans as a backend of traces gets them, and what must hold of every trace."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

WAIT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedSpan:
    """One span."""

    service: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty for a root."""
    name: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    links: tuple[str, ...]
    """The ids of the spans that it is linked to."""
    error: str
    """The description of its status if that is an error, else empty."""

    @property
    def failed(self) -> bool:
        """True if its status is an error."""
        return bool(self.error)


@dataclass(slots=True)
class Received:
    """All spans so far."""

    spans: list[ReceivedSpan] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, request: ExportTraceServiceRequest) -> None:
        """Adds the spans of a request."""
        self.spans += _read(request)
        self._news.set()

    async def until(self, enough: Callable[[list[ReceivedSpan]], bool]) -> list[ReceivedSpan]:
        """Waits until the spans are enough, and returns them."""
        async with asyncio.timeout(WAIT_S):
            while not enough(self.spans):
                self._news.clear()
                await self._news.wait()
        return self.spans

    def trace(self, trace_id: str) -> list[ReceivedSpan]:
        """Returns the spans of a trace, by their start."""
        found = (span for span in self.spans if span.trace_id == trace_id)
        return sorted(found, key=lambda span: span.start_ns)


def orphans(spans: Iterable[ReceivedSpan], *, roots: Iterable[str] = ()) -> list[ReceivedSpan]:
    """Returns the spans whose parent is not there, those under some ids of callers aside."""
    spans = list(spans)
    known = {span.span_id for span in spans} | {"", *roots}
    return [span for span in spans if span.parent_id not in known]


def shape(spans: Iterable[ReceivedSpan]) -> Counter[tuple[str, str]]:
    """Returns how many spans of each name each service has."""
    return Counter((span.service, span.name) for span in spans)


def _read(request: ExportTraceServiceRequest) -> list[ReceivedSpan]:
    found = []
    for resource in request.resource_spans:
        service = str(_values(resource.resource.attributes)["service.name"])
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            failed = span.status.code == span.status.STATUS_CODE_ERROR
            found.append(
                ReceivedSpan(
                    service=service,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    name=span.name,
                    kind=span.kind,
                    start_ns=span.start_time_unix_nano,
                    end_ns=span.end_time_unix_nano,
                    attributes=_values(span.attributes),
                    links=tuple(link.span_id.hex() for link in span.links),
                    error=(span.status.message or "error") if failed else "",
                )
            )
    return found


def _values(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    return {item.key: _value(item.value) for item in attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return None if kind is None else getattr(value, kind)
