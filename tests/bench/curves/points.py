"""Points of the curves: what a way came to at one setting, beside the best single model. Pure.

The measures of LLMRouterBench (Li et al. 2026, https://arxiv.org/abs/2601.07206) sum up a curve:
PerfGain is the largest gain over the best single model in its share of right answers, CostSave the
largest saving of its dollars where no less is right, ParetoDist the mean distance to the Pareto
frontier of all models and ways. Distances are taken with both axes scaled to the range of the single
models.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from statistics import fmean
from typing import TYPE_CHECKING

from services.evaluation.report.estimates import estimate_difference, estimate_mean
from tests.bench.curves.ways import ORACLE, SINGLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scorer.measures.intervals import Interval
    from tests.bench.curves.ways import Replayed

SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One way at one setting."""

    way: str
    setting: str
    right: Interval
    gain: Interval
    """Share of right answers less that of the best single model, paired by query."""
    usd: float
    """Per 1,000 queries."""
    usd_share: float
    """Of the best single model's."""
    seconds: float
    calls: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The measures of LLMRouterBench for the curve of one way."""

    way: str
    performance_gain: float
    cost_saving: float | None
    """None if the way never has as many right answers as the best single model."""
    pareto_distance: float


def points(replays: Sequence[Replayed], best: Replayed) -> list[Point]:
    """Returns a point per replay; `best` is the best single model, chosen on the training rows."""
    return [
        Point(
            way=each.way,
            setting=each.setting,
            right=estimate_mean(each.scores, seed=SEED),
            gain=estimate_difference(each.scores, best.scores, seed=SEED),
            usd=1000 * fmean(each.costs_usd),
            usd_share=sum(each.costs_usd) / sum(best.costs_usd),
            seconds=fmean(each.seconds),
            calls=fmean(each.calls),
        )
        for each in replays
    ]


def summaries(found: Sequence[Point], best_right: float) -> list[Summary]:
    """Returns the measures of every way but single models and the oracle.

    Args:
        found: The points of all ways.
        best_right: Share of right answers of the best single model.
    """
    singles = [each for each in found if each.way == SINGLES]
    usd_range = _range([each.usd for each in singles])
    right_range = _range([each.right.mean for each in singles])
    frontier = pareto_frontier([each for each in found if each.way != ORACLE])

    def distance(point: Point) -> float:
        return min(
            hypot(
                (point.usd - other.usd) / usd_range,
                (point.right.mean - other.right.mean) / right_range,
            )
            for other in frontier
        )

    ways = dict.fromkeys(each.way for each in found if each.way not in {SINGLES, ORACLE})
    summed = []
    for way in ways:
        own = [each for each in found if each.way == way]
        savings = [1 - each.usd_share for each in own if each.right.mean >= best_right]
        summed.append(
            Summary(
                way=way,
                performance_gain=max(each.right.mean for each in own) / best_right - 1,
                cost_saving=max(savings, default=None),
                pareto_distance=fmean(map(distance, own)),
            )
        )
    return summed


def pareto_frontier(found: Sequence[Point]) -> list[Point]:
    """Returns the points that none with at most their dollars surpasses, cheapest first."""
    kept: list[Point] = []
    for point in sorted(found, key=lambda each: (each.usd, -each.right.mean)):
        if not kept or point.right.mean > kept[-1].right.mean:
            kept.append(point)
    return kept


def _range(values: Sequence[float]) -> float:
    return (max(values) - min(values)) or 1.0
