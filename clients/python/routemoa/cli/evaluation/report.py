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
    estimate_saving,
    quantile,
)
from routemoa.cli.evaluation.lines import (
    Line,
    baseline_lines,
    best_single_line,
    router_lines,
    whole_pool_line,
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
    mean_latency_s: float | None
    """In simulated seconds."""


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
    savings: Mapping[str, Estimate]
    """Shares of the whole pool's dollars and time that the final answers save, where known."""
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
    everything = whole_pool_line(pool, records)
    known = [everything] if everything.costs_usd or everything.latencies_s else []
    lines = (final, first, single, *baseline_lines(pool, records), *known)
    answered = [outcome for outcome in outcomes if outcome.error_reason is None]
    timings = [outcome.timing for outcome in answered if outcome.timing is not None]
    return Report(
        settings=settings,
        lines=tuple(_estimate(line, seed) for line in lines),
        gain_over_best_single=estimate_difference(
            final.scores or (), single.scores or (), seed=seed
        ),
        savings=_savings(final, everything, seed),
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
        mean_latency_s=None if line.latencies_s is None else fmean(line.latencies_s),
    )


def _savings(final: Line, everything: Line, seed: int) -> dict[str, Estimate]:
    pairs = {
        "dollars": (final.costs_usd, everything.costs_usd),
        "time": (final.latencies_s, everything.latencies_s),
    }
    return {
        name: estimate_saving(ours, theirs, seed=seed)
        for name, (ours, theirs) in pairs.items()
        if ours is not None and theirs is not None
    }


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
