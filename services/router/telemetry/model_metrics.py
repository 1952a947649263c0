"""Prometheus metrics of calls to models.

`gen_ai_*` are the metrics of OpenTelemetry's conventions for generative AI, by the names and with the
buckets that they have there (https://github.com/open-telemetry/semantic-conventions-genai).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import Counter, Histogram

from services.router.types.ledger import CallStatus
from services.router.types.model_labels import MODEL_LABELS
from services.rpc.tracing.origin import current

if TYPE_CHECKING:
    from services.router.pool.model import PoolModel
    from services.router.types.ledger import LedgerEntry

_CALLS = Counter("routemoa_router_model_calls_total", "Calls to models.", ["model_id", "status"])
_COST = Counter("routemoa_router_cost_usd_total", "Spending on models, in dollars.", ["model_id"])
_CAPPED = Counter(
    "routemoa_router_capped_attempts_total",
    "Attempts whose backend reported more usage than was reserved, so that less was booked.",
    ["model_id"],
)
_MODEL = ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"]
_DURATION = Histogram(
    "gen_ai_client_operation_duration_seconds",
    "Time of an attempt at a call to a model; error_type is its status, empty if it succeeded.",
    [*_MODEL, "error_type"],
    buckets=(0.01, *(0.02 * 2**n for n in range(13))),
)
_FIRST_CHUNK = Histogram(
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    "Time from an attempt's start to the first piece of its reply.",
    _MODEL,
    buckets=(0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60),
)
_TOKENS = Histogram(
    "gen_ai_client_token_usage",
    "Tokens of an attempt, those that it read (input) and those that it wrote (output).",
    [*_MODEL, "gen_ai_token_type"],
    buckets=tuple(4.0**n for n in range(14)),
)


def record_entry(entry: LedgerEntry, model: PoolModel) -> None:
    """Counts an attempt at a call to a model: its end, cost, time and tokens."""
    label, provider = MODEL_LABELS.label(entry.model_id), model.backend.value
    exemplar = current().exemplar
    _calls(label, entry.status.name).inc()
    _cost(label).inc(entry.cost_usd)
    if entry.capped:
        _CAPPED.labels(label).inc()
    failed = entry.status is not CallStatus.OK
    error_type = entry.status.name.lower() if failed else ""
    _duration(provider, label, error_type).observe(entry.duration_s, exemplar)
    if entry.time_to_first_token_s is not None:
        _first_chunk(provider, label).observe(entry.time_to_first_token_s, exemplar)
    _tokens(provider, label, "input").observe(entry.prompt_tokens)
    _tokens(provider, label, "output").observe(entry.completion_tokens)


@cache
def _calls(label: str, status: str) -> Counter:
    return _CALLS.labels(label, status)


@cache
def _cost(label: str) -> Counter:
    return _COST.labels(label)


@cache
def _duration(provider: str, label: str, error_type: str) -> Histogram:
    return _DURATION.labels("chat", provider, label, error_type)


@cache
def _first_chunk(provider: str, label: str) -> Histogram:
    return _FIRST_CHUNK.labels("chat", provider, label)


@cache
def _tokens(provider: str, label: str, token_type: str) -> Histogram:
    return _TOKENS.labels("chat", provider, label, token_type)
