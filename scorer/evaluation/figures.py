"""Predictions of several methods and seeds on one test -> every figure, with intervals.

``runs (method -> seeds -> (N, M)) -> per-query outcomes -> figures per method, differences``
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.evaluation.curves import Curves, curves_of
from scorer.evaluation.methods.method import Prediction
from scorer.measures.calibration import (
    calibration_by_model,
    calibration_figures,
    chance_of_calibration_error,
    model_calibration_errors,
)
from scorer.measures.coverage import coverage_curve
from scorer.measures.frontier import Spending, cost_frontier, within_budget
from scorer.measures.intervals import Interval, bootstrap_means, interval
from scorer.measures.ranking import mean_by_model, ranking_figures, ranking_outcomes, team_hits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from scorer.evaluation.dataset import Dataset

REFERENCE = "best_single"
COST_SHARE = 0.3
"""The share of the best single model's dollars at which the score is read off."""
SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A figure over seeds."""

    mean: float
    std: float
    """Of the seeds, with n - 1; 0 for one seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodFigures:
    """One method on one test."""

    figures: Mapping[str, Spread]
    """By name; those of cost are absent where a pool has no costs."""
    score: Interval
    """Of the mean score, over resampled queries."""
    differences: Mapping[str, Interval]
    """Mean score less that of another method, paired by query."""
    hit_at_3_differences: Mapping[str, Interval]
    calibration_error_by_model: Mapping[str, float]
    """Mean over seeds."""
    curves: Curves


def figures_of(
    train: Dataset, test: Dataset, runs: Mapping[str, Sequence[Prediction]]
) -> dict[str, MethodFigures]:
    """Returns the figures of every method.

    Args:
        train: What the methods learned from; costs are predicted from it.
        test: Queries and labels.
        runs: Predictions of every seed, by method; the oracle is added.
    """
    kept = labelled_rows(test)
    test = test.take(kept)
    seeds = {name: [prediction.take(kept) for prediction in run] for name, run in runs.items()}
    seeds["oracle"] = [Prediction(scores=np.nan_to_num(test.targets))]
    outcomes = {name: _mean_outcomes(run, test) for name, run in seeds.items()}
    scores = _resampled([pair[0] for pair in outcomes.values()], test)
    hits = _resampled([pair[1] for pair in outcomes.values()], test)
    return {
        name: MethodFigures(
            figures=_spreads([_figures(train, test, prediction) for prediction in run]),
            score=scores.interval(row),
            differences=scores.differences(row, list(seeds)),
            hit_at_3_differences=hits.differences(row, list(seeds)),
            calibration_error_by_model=_errors_by_model(run, test),
            curves=curves_of(train, test, run),
        )
        for row, (name, run) in enumerate(seeds.items())
    }


def labelled_rows(test: Dataset) -> npt.NDArray[np.intp]:
    """Returns the rows with at least one label."""
    return np.flatnonzero(~np.isnan(test.targets).all(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Resampled:
    """Means of every method, as they are and in every resample."""

    means: npt.NDArray[np.float64]
    """(K,)"""
    resamples: npt.NDArray[np.float64]
    """(R, K)"""

    def interval(self, row: int) -> Interval:
        return interval(float(self.means[row]), self.resamples[:, row])

    def differences(self, row: int, names: Sequence[str]) -> dict[str, Interval]:
        return {
            name: interval(
                float(self.means[row] - self.means[other]),
                self.resamples[:, row] - self.resamples[:, other],
            )
            for other, name in enumerate(names)
            if other != row
        }


def _resampled(outcomes: Sequence[npt.NDArray[np.float64]], test: Dataset) -> _Resampled:
    columns = np.stack(outcomes, axis=1)
    return _Resampled(
        means=test.weights @ columns,
        resamples=bootstrap_means(columns, test.strata, seed=SEED, weights=test.weights),
    )


def _mean_outcomes(
    run: Sequence[Prediction], test: Dataset
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns score and hit@3 of every query, each a mean over seeds, (N,)."""
    outcomes = [ranking_outcomes(each.scores, test.targets) for each in run]
    scores = np.mean([outcome.scores for outcome in outcomes], axis=0)
    return scores, np.mean([_team_hits(each, test) for each in run], axis=0)


def _team_hits(prediction: Prediction, test: Dataset) -> npt.NDArray[np.float64]:
    """Returns whether one of the models that would run together is among the best, (N,)."""
    if prediction.teams is None:
        return ranking_outcomes(prediction.scores, test.targets).hits_at_3.astype(np.float64)
    return team_hits(prediction.teams, test.targets)


def _spreads(figures: Sequence[Mapping[str, float]]) -> dict[str, Spread]:
    values = {name: [seed[name] for seed in figures] for name in figures[0]}
    return {
        name: Spread(
            mean=float(np.mean(seeds)), std=float(np.std(seeds, ddof=1)) if len(seeds) > 1 else 0.0
        )
        for name, seeds in values.items()
    }


def _figures(train: Dataset, test: Dataset, prediction: Prediction) -> dict[str, float]:
    scores = prediction.scores
    outcomes = ranking_outcomes(scores, test.targets)
    errors = model_calibration_errors(scores, test.targets)
    curve = coverage_curve(1 - scores.max(axis=1), outcomes.scores, test.weights)
    return {
        **asdict(ranking_figures(scores, test.targets, test.weights)),
        **asdict(calibration_figures(scores, test.targets)),
        "team_hit": float(test.weights @ _team_hits(prediction, test)),
        "model_calibration_error": float(np.mean(errors)),
        "chance_of_calibration_error": chance_of_calibration_error(scores, test.targets, seed=SEED),
        "worst_model_calibration_error": max(errors),
        "coverage_area": curve.area,
        "score_of_surest_half": curve.score_at(0.5),
        **_cost_figures(train, test, prediction),
    }


def _cost_figures(train: Dataset, test: Dataset, prediction: Prediction) -> dict[str, float]:
    if train.costs_usd is None or test.costs_usd is None:
        return {}
    truth = Spending(targets=test.targets, costs_usd=test.costs_usd, weights=test.weights)
    scores, means = prediction.scores, mean_by_model(train.costs_usd, train.weights)
    predicted = means if prediction.costs_usd is None else prediction.costs_usd
    single = int(mean_by_model(train.targets, train.weights).argmax())
    models = mean_by_model(test.costs_usd, test.weights)
    best_usd, best_score = truth.point(np.eye(len(models))[[single] * len(test)])
    frontier = cost_frontier(scores, predicted, truth)
    within = within_budget(scores, predicted, COST_SHARE * float(means[single]))
    spent_usd, score = truth.point(within)
    return {
        "cost_usd": float(truth.point(scores)[0]),
        "frontier_area": frontier.area(float(models.min()), float(models.max())),
        "score_share_on_frontier": frontier.score_at(COST_SHARE * float(best_usd)) / best_score,
        "score_share_in_budget": float(score / best_score),
        "cost_share_in_budget": float(spent_usd / best_usd),
    }


def _errors_by_model(run: Sequence[Prediction], test: Dataset) -> dict[str, float]:
    seeds = [calibration_by_model(each.scores, test.targets) for each in run]
    return {
        model_id: float(np.mean([each.calibration_error for each in figures if each]))
        for model_id, figures in zip(test.model_ids, zip(*seeds, strict=True), strict=True)
        if all(figures)
    }
