"""The Prometheus metrics of the scorer service."""

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
    "Queries in the queue.",
    multiprocess_mode="livesum",
)
BATCHED = Histogram(
    "routemoa_scorer_batch_request_count", "Queries per batch.", buckets=(1, 2, 4, 8, 16, 32, 64)
)
BATCH_TOKENS = Histogram(
    "routemoa_scorer_batch_token_count",
    "Tokens per batch, padding included.",
    buckets=(16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192),
)
PADDING_TOKENS = Counter("routemoa_scorer_padding_tokens_total", "Padding tokens.")
_STAGE_SECONDS = Histogram(
    "routemoa_scorer_stage_seconds",
    "Time in the queue and in tokenization, per query; in inference, per batch.",
    ["stage"],
    buckets=_SECONDS,
)
_CACHE_QUERIES = Counter(
    "routemoa_scorer_cache_queries_total",
    "Queries that were cached (hit), being scored for another caller (join), or new (miss).",
    ["outcome"],
)
CACHE_HITS = _CACHE_QUERIES.labels("hit")
CACHE_JOINS = _CACHE_QUERIES.labels("join")
CACHE_MISSES = _CACHE_QUERIES.labels("miss")
_QUEUE_SECONDS = _STAGE_SECONDS.labels("queue")
_TOKENIZATION_SECONDS = _STAGE_SECONDS.labels("tokenization")
_INFERENCE_SECONDS = _STAGE_SECONDS.labels("inference")


def observe_batch(lengths: Sequence[int], inference_s: float) -> None:
    """Records a batch that ran, given the number of tokens of each query."""
    token_count = max(lengths) * len(lengths)
    BATCHED.observe(len(lengths))
    BATCH_TOKENS.observe(token_count)
    PADDING_TOKENS.inc(token_count - sum(lengths))
    _INFERENCE_SECONDS.observe(inference_s)


def observe_wait(queue_s: float, tokenization_s: float) -> None:
    """Records the time of one query before its batch."""
    _QUEUE_SECONDS.observe(queue_s)
    _TOKENIZATION_SECONDS.observe(tokenization_s)


SHADOW_QUERIES = Counter(
    "routemoa_scorer_shadow_queries_total",
    "Queries for the shadow artifact: it ranked the same model first (same) or another one (other), "
    "its queue was full (dropped), or it failed (failed).",
    ["outcome"],
)
SHADOW_DIFFERENCE = Histogram(
    "routemoa_scorer_shadow_score_difference",
    "Mean |score difference| of a query between the default artifact and the shadow.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
ARTIFACT = Gauge(
    "routemoa_scorer_artifact_info",
    "The artifacts in use.",
    ["name", "version", "provider", "precision"],
    multiprocess_mode="livemax",
)
ROLLOUT_QUERIES = Counter(
    "routemoa_scorer_rollout_queries_total",
    "Queries during a rollout: answered by the active artifact (active) or the candidate (candidate), "
    "or by the active one because the candidate failed (failed).",
    ["arm"],
)
ROLLOUT = Gauge(
    "routemoa_scorer_rollout_info",
    "The stage of the newest rollout.",
    ["candidate", "stage"],
    multiprocess_mode="livemax",
)
