"""Results per query -> estimates for the router and for simpler methods. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from services.evaluation.answers.methods import (
    Method,
    baseline_methods,
    best_single_method,
    router_methods,
    whole_pool_method,
)
from services.evaluation.report.estimates import (
    estimate_difference,
    estimate_mean,
    estimate_saving,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scorer.measures.intervals import Interval
    from services.evaluation.answers.query_result import QueryResult, Timing
    from services.evaluation.answers.recorded_pool import RecordedPool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """The estimates of one method."""

    label: str
    score: Interval | None
    """Share answered right."""
    usd_per_1000_queries: float | None
    mean_latency_s: float | None
    """In simulated seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Median and 95th percentile, in milliseconds."""

    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReport:
    """The whole result of an evaluation."""

    settings: Mapping[str, str]
    lines: tuple[ReportLine, ...]
    gain_over_best_single: Interval
    """Score of the final answer less that of the best single model, paired by query."""
    savings: Mapping[str, Interval]
    """Shares of the whole pool's dollars and time that the router saves, where known."""
    query_count: int
    unmatched_count: int
    """Final texts that are not recorded answers; they count as wrong."""
    failed_queries: Mapping[str, int]
    """Queries without an answer by reason; they count as wrong and as free."""
    calls_per_query: float
    """Mean over the answered queries, as the layers and counts below."""
    layers_per_query: float
    failed_call_count: int
    fallback_count: int
    overhead: Percentiles | None
    """Time of the router itself; None, as the three below, if no query was answered."""
    scorer_wait: Percentiles | None
    judge_wait: Percentiles | None
    total: Percentiles | None


def summarize_answers(
    pool: RecordedPool, results: Sequence[QueryResult], settings: Mapping[str, str], *, seed: int
) -> AnswerReport:
    """Summarizes the results (at least one) beside the baselines on the same queries."""
    queries = [result.query for result in results]
    final, first = router_methods(pool, results)
    single = best_single_method(pool, queries)
    whole_pool = whole_pool_method(pool, queries)
    known = [whole_pool] if whole_pool.costs_usd or whole_pool.latencies_s else []
    methods = (final, first, single, *baseline_methods(pool, queries), *known)
    answered = [result for result in results if result.error_reason is None]
    timings = [result.timing for result in answered if result.timing is not None]
    return AnswerReport(
        settings=settings,
        lines=tuple(_report_line(method, seed) for method in methods),
        gain_over_best_single=estimate_difference(
            final.scores or (), single.scores or (), seed=seed
        ),
        savings=_savings(final, whole_pool, seed),
        query_count=len(results),
        unmatched_count=sum(result.is_unmatched for result in results),
        failed_queries=dict(Counter(r.error_reason for r in results if r.error_reason)),
        calls_per_query=fmean([result.call_count for result in answered] or [0]),
        layers_per_query=fmean([result.layer_count for result in answered] or [0]),
        failed_call_count=sum(result.failed_call_count for result in answered),
        fallback_count=sum(result.fallback_count for result in answered),
        **_percentiles(timings),
    )


def _report_line(method: Method, seed: int) -> ReportLine:
    scores, costs_usd, latencies_s = method.scores, method.costs_usd, method.latencies_s
    return ReportLine(
        label=method.label,
        score=None if scores is None else estimate_mean(scores, seed=seed),
        usd_per_1000_queries=None if costs_usd is None else 1000 * fmean(costs_usd),
        mean_latency_s=None if latencies_s is None else fmean(latencies_s),
    )


def _savings(final: Method, whole_pool: Method, seed: int) -> dict[str, Interval]:
    pairs = {
        "dollars": (final.costs_usd, whole_pool.costs_usd),
        "time": (final.latencies_s, whole_pool.latencies_s),
    }
    return {
        name: estimate_saving(ours, theirs, seed=seed)
        for name, (ours, theirs) in pairs.items()
        if ours is not None and theirs is not None
    }


def _percentiles(timings: Sequence[Timing]) -> dict[str, Percentiles | None]:
    def percentiles_of(values_s: Sequence[float]) -> Percentiles | None:
        if not values_s:
            return None
        p50_s, p95_s = np.quantile(values_s, (0.5, 0.95)).tolist()
        return Percentiles(p50_ms=1000 * p50_s, p95_ms=1000 * p95_s)

    return {
        "overhead": percentiles_of([timing.overhead_s for timing in timings]),
        "scorer_wait": percentiles_of([timing.scorer_s for timing in timings]),
        "judge_wait": percentiles_of([timing.judge_s for timing in timings]),
        "total": percentiles_of([timing.total_s for timing in timings]),
    }
