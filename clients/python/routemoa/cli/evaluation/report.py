"""Outcomes -> estimates -> what a person, a report or a program reads. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from routemoa.cli.evaluation.bootstrap import (
    Estimate,
    estimate_difference,
    estimate_mean,
    quantile,
)
from routemoa.cli.evaluation.lines import (
    Line,
    baseline_lines,
    best_single_line,
    router_lines,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routemoa.cli.evaluation.outcome import Outcome, Timing
    from routemoa.cli.evaluation.replay_pool import ReplayPool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """One way to answer, estimated."""

    label: str
    score: Estimate | None
    """The share answered right."""
    usd_per_1000_queries: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Median and 95th percentile, in milliseconds."""

    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole result of an evaluation."""

    settings: Mapping[str, str]
    lines: tuple[ReportLine, ...]
    gain_over_best_single: Estimate
    """Score of the final answer less that of the best single model, paired by query."""
    query_count: int
    unmatched_count: int
    """Final texts that are no recorded answer; they count as wrong."""
    failed_queries: Mapping[str, int]
    """Queries without an answer by reason; they count as wrong and as free."""
    calls_per_query: float
    """Over the answered queries, as the next three."""
    layers_per_query: float
    failed_call_count: int
    fallback_count: int
    overhead: Percentiles | None
    """The router's own; None, as the next three, if no query was answered."""
    scorer_wait: Percentiles | None
    judge_wait: Percentiles | None
    total: Percentiles | None


def summarize(
    pool: ReplayPool, outcomes: Sequence[Outcome], settings: Mapping[str, str], *, seed: int
) -> Report:
    """Summarizes the outcomes (at least one) beside the baselines on the same queries."""
    records = [outcome.record for outcome in outcomes]
    final, first = router_lines(pool, outcomes)
    single = best_single_line(pool, records)
    lines = (final, first, single, *baseline_lines(pool, records))
    answered = [outcome for outcome in outcomes if outcome.error_reason is None]
    timings = [outcome.timing for outcome in answered if outcome.timing is not None]
    return Report(
        settings=settings,
        lines=tuple(_estimate(line, seed) for line in lines),
        gain_over_best_single=estimate_difference(
            final.scores or (), single.scores or (), seed=seed
        ),
        query_count=len(outcomes),
        unmatched_count=sum(outcome.is_unmatched for outcome in outcomes),
        failed_queries=dict(Counter(o.error_reason for o in outcomes if o.error_reason)),
        calls_per_query=fmean([o.call_count for o in answered] or [0]),
        layers_per_query=fmean([o.layer_count for o in answered] or [0]),
        failed_call_count=sum(outcome.failed_call_count for outcome in answered),
        fallback_count=sum(outcome.fallback_count for outcome in answered),
        **_percentiles(timings),
    )


def _estimate(line: Line, seed: int) -> ReportLine:
    return ReportLine(
        label=line.label,
        score=None if line.scores is None else estimate_mean(line.scores, seed=seed),
        usd_per_1000_queries=None if line.costs_usd is None else 1000 * fmean(line.costs_usd),
    )


def _percentiles(timings: Sequence[Timing]) -> dict[str, Percentiles | None]:
    def of(values_s: Sequence[float]) -> Percentiles | None:
        if not values_s:
            return None
        ordered = sorted(values_s)
        return Percentiles(
            p50_ms=1000 * quantile(ordered, 0.5), p95_ms=1000 * quantile(ordered, 0.95)
        )

    return {
        "overhead": of([timing.overhead_s for timing in timings]),
        "scorer_wait": of([timing.scorer_s for timing in timings]),
        "judge_wait": of([timing.judge_s for timing in timings]),
        "total": of([timing.total_s for timing in timings]),
    }
