"""The span of an attempt at a call to a model, by the conventions for generative AI.

It holds no text of the prompt, the reply or an error of the backend.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry.trace import INVALID_SPAN, SpanKind

from services.router.types.ledger import CallStatus
from services.rpc.tracing import attributes as names
from services.rpc.tracing.origin import current
from services.rpc.tracing.propagation import call_headers
from services.rpc.tracing.spans import fail, start_span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue

    from services.router.pool.model import PoolModel
    from services.router.types.ledger import AttemptKind, CallPurpose, LedgerEntry
    from services.rpc.tracing.propagation import Headers

_OPERATION = "chat"
_MAX_ADDRESSES = 4096


def begin_span(
    model: PoolModel,
    base_url: str,
    kind: AttemptKind,
    purpose: CallPurpose,
    *,
    max_tokens: int,
    layer_number: int,
    replica: int | None,
    earlier: Sequence[Span],
) -> tuple[Span, Headers]:
    """Returns the span of a new attempt, and the headers that make its request part of the trace.

    The span is `INVALID_SPAN` if its answer is not recorded.

    Args:
        model: The model.
        base_url: The endpoint.
        kind: The reason of the attempt.
        purpose: The purpose of the call.
        max_tokens: The most tokens of the reply.
        layer_number: The layer that the call is part of.
        replica: The index of the replica.
        earlier: The spans of earlier attempts at the same call; they become links.
    """
    origin = current()
    if not origin.span.is_recording():
        return INVALID_SPAN, call_headers(origin.request_id, origin.span)
    found: dict[str, AttributeValue] = {
        names.OPERATION: _OPERATION,
        names.PROVIDER: model.backend.value,
        names.REQUEST_MODEL: model.backend_model or model.id,
        names.REQUEST_STREAM: True,
        names.MODEL_ID: model.id,
        names.ATTEMPT_KIND: kind.name,
        names.ATTEMPT_PURPOSE: purpose.name,
        names.LAYER_NUMBER: layer_number,
        names.MAX_TOKENS: max_tokens,
        **_address(base_url),
    }
    if replica is not None:
        found[names.REPLICA] = replica
    span = start_span(
        f"{_OPERATION} {model.id}",
        origin.span,
        kind=SpanKind.CLIENT,
        attributes=found,
        links=[span for span in earlier if span.is_recording() or span.get_span_context().is_valid],
    )
    return span, call_headers(origin.request_id, span)


def end_span(span: Span, entry: LedgerEntry, *, ended_s: float) -> None:
    """Ends the span of an attempt that was booked.

    Args:
        span: The span.
        entry: The attempt in the ledger.
        ended_s: Monotonic time of its end, which may be some time ago.
    """
    if not span.is_recording():
        return
    span.set_attribute(names.INPUT_TOKENS, entry.prompt_tokens)
    span.set_attribute(names.OUTPUT_TOKENS, entry.completion_tokens)
    span.set_attribute(names.COST_USD, entry.cost_usd)
    span.set_attribute(names.ATTEMPT_STATUS, entry.status.name)
    if entry.cached_prompt_tokens:
        span.set_attribute(names.CACHED_TOKENS, entry.cached_prompt_tokens)
    if entry.reasoning_tokens:
        span.set_attribute(names.REASONING_TOKENS, entry.reasoning_tokens)
    if entry.time_to_first_token_s is not None:
        span.set_attribute(names.TIME_TO_FIRST_CHUNK, entry.time_to_first_token_s)
    if entry.finish_reason is not None:
        span.set_attribute(names.FINISH_REASONS, [entry.finish_reason.name.lower()])
    if entry.http_status is not None:
        span.set_attribute(names.HTTP_STATUS, entry.http_status)
    if entry.status not in {CallStatus.OK, CallStatus.CANCELLED}:
        fail(span, entry.status.name.lower())
    span.end(time.time_ns() - round(max(0.0, time.monotonic() - ended_s) * 1e9))


@lru_cache(_MAX_ADDRESSES)
def _address(base_url: str) -> dict[str, AttributeValue]:
    parts = urlsplit(base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {names.SERVER_ADDRESS: parts.hostname or "", names.SERVER_PORT: port}
