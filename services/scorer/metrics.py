"""What the scorer service measures of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECONDS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
)

QUEUED = Gauge(
    "routemoa_scorer_queued_request_count",
    "Queries that wait for a batch.",
    multiprocess_mode="livesum",
)
BATCHED = Histogram(
    "routemoa_scorer_batch_request_count", "Queries of a batch.", buckets=(1, 2, 4, 8, 16, 32, 64)
)
BATCH_TOKENS = Histogram(
    "routemoa_scorer_batch_token_count",
    "Tokens of a batch, padding included.",
    buckets=(16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192),
)
PADDING_TOKENS = Counter("routemoa_scorer_padding_tokens_total", "Tokens that were padding.")
_STAGE_SECONDS = Histogram(
    "routemoa_scorer_stage_seconds",
    "Time in the queue and in tokenization, per query; in the model, per batch.",
    ["stage"],
    buckets=_SECONDS,
)
_CACHE_QUERIES = Counter(
    "routemoa_scorer_cache_queries_total",
    "Queries that were remembered (hit), in flight for another caller (join), or new (miss).",
    ["outcome"],
)
CACHE_HITS = _CACHE_QUERIES.labels("hit")
CACHE_JOINS = _CACHE_QUERIES.labels("join")
CACHE_MISSES = _CACHE_QUERIES.labels("miss")
_QUEUE_SECONDS = _STAGE_SECONDS.labels("queue")
_TOKENIZATION_SECONDS = _STAGE_SECONDS.labels("tokenization")
_INFERENCE_SECONDS = _STAGE_SECONDS.labels("inference")


def observe_batch(lengths: Sequence[int], inference_s: float) -> None:
    """Notes a batch that was run, given the tokens of each of its queries."""
    token_count = max(lengths) * len(lengths)
    BATCHED.observe(len(lengths))
    BATCH_TOKENS.observe(token_count)
    PADDING_TOKENS.inc(token_count - sum(lengths))
    _INFERENCE_SECONDS.observe(inference_s)


def observe_wait(queue_s: float, tokenization_s: float) -> None:
    """Notes how long one query was on its way into a batch."""
    _QUEUE_SECONDS.observe(queue_s)
    _TOKENIZATION_SECONDS.observe(tokenization_s)


SHADOW_QUERIES = Counter(
    "routemoa_scorer_shadow_queries_total",
    "Queries that the shadow artifact scored too: it ranked the same model first (same), another one "
    "(other), had no time for it (dropped), or failed.",
    ["outcome"],
)
SHADOW_DIFFERENCE = Histogram(
    "routemoa_scorer_shadow_score_difference",
    "Mean |score difference| of a query between the artifact in use and its shadow.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
ARTIFACT = Gauge(
    "routemoa_scorer_artifact_info",
    "The artifacts in use.",
    ["name", "version", "provider"],
    multiprocess_mode="livemax",
)
