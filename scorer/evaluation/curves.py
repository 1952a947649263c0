"""Predictions of one method on one test -> the curves that a report draws, as plain numbers.

``runs (seeds -> (N, M)) -> mean over seeds of each curve, read off at fixed places``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.calibration import reliability
from scorer.measures.coverage import coverage_curve
from scorer.measures.frontier import Spending, cost_frontier
from scorer.measures.ranking import mean_by_model, ranking_outcomes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.evaluation.dataset import Dataset
    from scorer.evaluation.methods.method import Prediction

    Floats = npt.NDArray[np.float32]

COVERAGES = np.linspace(0.05, 1.0, 20)
COST_COUNT = 60
COST_RANGE = 1000.0
"""The cheapest place of a frontier is this part of the dearest model's cost, or dearer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points of a line."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityCurve(Curve):
    """Mean target (y) against mean score (x), bin by bin, over the labels of all seeds."""

    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """What is drawn of one method on one test."""

    reliability: ReliabilityCurve
    coverage: Curve
    """Mean score of the surest queries against their share, by one less the best score."""
    frontier: Curve | None
    """Mean score against mean dollars; None where the pool has no costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleModel:
    """Always taking one model."""

    score: float
    cost_usd: float | None


def curves_of(train: Dataset, test: Dataset, run: Sequence[Prediction]) -> Curves:
    """Returns the curves of a method.

    Args:
        train: What the method learned from; costs are predicted from it.
        test: Queries and labels, each query with at least one.
        run: What it says about the queries, by seed.
    """
    coverage = [
        coverage_curve(
            1 - each.scores.max(axis=1),
            ranking_outcomes(each.scores, test.targets).scores,
            test.weights,
        )
        for each in run
    ]
    heights = [[curve.score_at(share) for share in COVERAGES] for curve in coverage]
    scores = np.concatenate([each.scores for each in run])
    return Curves(
        reliability=reliability_curve(scores, np.tile(test.targets, (len(run), 1))),
        coverage=_curve(COVERAGES, np.mean(heights, axis=0)),
        frontier=_frontier(train, test, run),
    )


def reliability_curve(scores: Floats, targets: Floats) -> ReliabilityCurve:
    """Returns the reliability diagram of scores and labels (N, M), NaN where there is no label."""
    found = reliability(scores, targets)
    return ReliabilityCurve(
        x=tuple(found.predicted.tolist()),
        y=tuple(found.observed.tolist()),
        counts=tuple(found.counts.tolist()),
    )


def single_models(test: Dataset) -> dict[str, SingleModel]:
    """Returns what always taking one model gives, by model; without models that have no label."""
    scores = mean_by_model(test.targets, test.weights)
    costs = None if test.costs_usd is None else mean_by_model(test.costs_usd, test.weights)
    return {
        model_id: SingleModel(
            score=float(scores[column]), cost_usd=None if costs is None else float(costs[column])
        )
        for column, model_id in enumerate(test.model_ids)
        if scores[column] >= 0
    }


def _frontier(train: Dataset, test: Dataset, run: Sequence[Prediction]) -> Curve | None:
    if train.costs_usd is None or test.costs_usd is None:
        return None
    truth = Spending(targets=test.targets, costs_usd=test.costs_usd, weights=test.weights)
    means = mean_by_model(train.costs_usd, train.weights)
    found = [
        cost_frontier(each.scores, means if each.costs_usd is None else each.costs_usd, truth)
        for each in run
    ]
    dearest = float(mean_by_model(test.costs_usd, test.weights).max())
    # Only where every seed has a point: a mean of fewer would jump.
    cheapest = max(dearest / COST_RANGE, *(frontier.costs_usd[0] for frontier in found))
    if cheapest <= 0:
        return None  # all is free
    costs = np.geomspace(cheapest, max(cheapest, dearest), COST_COUNT)
    # Rounding must not put the first place below the frontier's first point.
    costs[0] = cheapest
    return _curve(costs, np.mean([[f.score_at(usd) for usd in costs] for f in found], axis=0))


def _curve(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> Curve:
    return Curve(x=tuple(x.tolist()), y=tuple(y.tolist()))
