"""Measures a ranking by the outcome of running its first models.

``preferences (N, M), targets (N, M) -> Outcomes per query (N,) -> RankingFigures``

All rankers are measured by the same function: a scorer by its scores, the best single model by one row
of training means, the oracle by the labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingFigures:
    """Outcomes of running the first-ranked models, as means over queries."""

    mean_score: float
    """Score of the first-ranked model."""
    hit_at_1: float
    """Share of queries whose first-ranked model is among the best; a tie for best is a hit."""
    hit_at_3: float
    """Share of queries with one of the best models among the first three."""
    regret: float
    """Mean difference between the best score of a query and that of the first-ranked model."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """Outcomes of running the first-ranked models, query by query, each (N,)."""

    scores: Floats
    hits_at_1: Floats
    hits_at_3: Floats
    regrets: Floats


def ranking_outcomes(preferences: Floats, targets: Floats) -> Outcomes:
    """Returns the outcomes of ranking models by ``preferences`` (N, M)."""
    ranked = _ranked_targets(preferences, targets)
    best = np.nanmax(targets, axis=1)
    first = ranked[:, 0]
    return Outcomes(
        scores=first.astype(np.float64),
        hits_at_1=(first == best).astype(np.float64),
        hits_at_3=(np.nanmax(ranked[:, :3], axis=1) == best).astype(np.float64),
        regrets=(best - first).astype(np.float64),
    )


def team_hits(teams: npt.NDArray[np.intp], targets: Floats) -> npt.NDArray[np.float64]:
    """Returns 1 where one of a query's models (N, k) is among the best, else 0, (N,)."""
    scores = np.take_along_axis(targets, teams, axis=1)
    # A model without a label was not tried, so it is no hit.
    best = np.nanmax(np.where(np.isnan(scores), -np.inf, scores), axis=1)
    hits: npt.NDArray[np.float64] = (best == np.nanmax(targets, axis=1)).astype(np.float64)
    return hits


def ranking_figures(
    preferences: Floats, targets: Floats, weights: Floats | None = None
) -> RankingFigures:
    """Returns the figures of ranking models by ``preferences`` (N, M)."""
    outcomes = ranking_outcomes(preferences, targets)
    return RankingFigures(
        mean_score=_mean(outcomes.scores, weights),
        hit_at_1=_mean(outcomes.hits_at_1, weights),
        hit_at_3=_mean(outcomes.hits_at_3, weights),
        regret=_mean(outcomes.regrets, weights),
    )


def random_figures(targets: Floats, weights: Floats | None = None) -> RankingFigures:
    """Returns the expected figures of a random order of the models, exactly."""
    best = np.nanmax(targets, axis=1)
    means = np.nanmean(targets, axis=1)
    tied = (targets == best[:, None]).sum(axis=1)
    candidates = (~np.isnan(targets)).sum(axis=1)
    hits_at_3 = np.array([_hit(3, t, n) for t, n in zip(tied, candidates, strict=True)])
    return RankingFigures(
        mean_score=_mean(means, weights),
        hit_at_1=_mean(tied / candidates, weights),
        hit_at_3=_mean(hits_at_3, weights),
        regret=_mean(best - means, weights),
    )


def hits_by_count(
    preferences: Floats, targets: Floats, most: int, weights: Floats | None = None
) -> npt.NDArray[np.float64]:
    """Returns the share of queries with a best model among the first 1, 2, ... ``most``, (most,)."""
    ranked = _ranked_targets(preferences, targets)[:, :most]
    best = np.nanmax(targets, axis=1)[:, None]
    hits = np.logical_or.accumulate(ranked == best, axis=1)
    averages: npt.NDArray[np.float64] = np.average(hits, axis=0, weights=weights)
    return averages


def random_hits_by_count(
    targets: Floats, most: int, weights: Floats | None = None
) -> npt.NDArray[np.float64]:
    """Returns the expected ``hits_by_count`` of a random order of the models, exactly."""
    tied = (targets == np.nanmax(targets, axis=1)[:, None]).sum(axis=1)
    candidates = (~np.isnan(targets)).sum(axis=1)
    return np.array(
        [
            _mean(np.array([_hit(k, t, n) for t, n in zip(tied, candidates, strict=True)]), weights)
            for k in range(1, most + 1)
        ]
    )


def mean_by_model(targets: Floats, weights: Floats | None = None) -> npt.NDArray[np.float64]:
    """Returns each model's mean target (M,); -1 without a label, so that it ranks last."""
    labelled = ~np.isnan(targets)
    shares = labelled * (np.ones(len(targets)) if weights is None else weights)[:, None]
    totals = shares.sum(axis=0)
    sums = (np.where(labelled, targets, 0.0) * shares).sum(axis=0)
    return np.where(totals > 0, sums / np.where(totals > 0, totals, 1.0), -1.0)


def _mean(values: Floats, weights: Floats | None) -> float:
    return float(np.average(values, weights=weights))


def _ranked_targets(preferences: Floats, targets: Floats) -> Floats:
    """Returns the targets (N, M) of each row, most preferred first, models without a label last."""
    wanted = np.where(np.isnan(targets), -np.inf, preferences)
    order = np.argsort(-wanted, axis=1, kind="stable")
    ranked: Floats = np.take_along_axis(targets, order, axis=1)
    return ranked


def _hit(k: int, tied: int, candidates: int) -> float:
    """Returns the chance that k of the candidates, drawn at random, include one of the tied."""
    return 1 - math.comb(candidates - tied, k) / math.comb(candidates, min(k, candidates))
