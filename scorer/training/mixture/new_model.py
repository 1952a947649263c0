"""A few labelled queries of a new model -> its column of the success table, by what the pool is like.

``class weights (N, C), labels (N,), success (C, M) of the others -> Newcomer: success (C,)``

A model's chances over the classes, on the logit scale, are taken to be drawn from the normal
distribution that the pool's models are a sample of: what is strong in algebra here tends to be strong
in calculus. Its most probable column, given the labels, is found by Newton's method. So a few labels
move what the pool's models have in common, and many labels move everything; two hundred suffice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.calibration import calibration_figures
from scorer.training.calibrate import Calibration, fit_offset, logit, sigmoid
from scorer.training.mixture.classes import LARGEST_CERTAINTY

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

SPREAD = 1.0
"""Standard deviation, in logits, of how much better or worse than the whole pool a model may be."""

DEPARTURE = 0.3
"""Standard deviation, in logits, of what a model may do in a class that no model before it did."""

MAX_STEPS = 50
STEP_TOLERANCE = 1e-6

FOLDS = 5
RESAMPLES = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Newcomer:
    """A model that was added to a pool."""

    success: Floats
    """Chance that it answers a query of a class well, (C,)."""
    slope: float
    offset: float
    """Of its calibration."""

    def scores(self, class_weights: Floats, eases: Floats) -> Floats:
        """Returns its calibrated scores, (N,), of class weights (N, C) and eases (N,) in logits."""
        return sigmoid(logit(class_weights @ self.success) * self.slope + self.offset + eases)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBar:
    """How far a newcomer's scores can be trusted, by its own labels."""

    label_count: int
    mean_score: float
    """Of the labelled queries, as predicted."""
    mean_score_standard_error: float
    """Of the above, had other queries been labelled."""
    query_score_standard_error: float
    """Of the score of one query, likewise; the mean over the labelled queries."""
    calibration_error: float
    """Of scores by labels of other queries. With few labels, chance alone is some hundredths."""
    brier: float
    """Likewise."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labelled:
    """Queries that the new model answered."""

    class_weights: Floats
    """(N, C)."""
    eases: Floats
    """Logits that every model's score of the query gains, (N,); zeros if scores are not drawn."""
    targets: Floats
    """Score of the new model, (N,)."""
    weights: Floats
    """How many queries each counts as, (N,)."""

    def take(self, rows: npt.NDArray[np.integer]) -> Labelled:
        """Returns some of the queries, with repetition."""
        return Labelled(
            class_weights=self.class_weights[rows],
            eases=self.eases[rows],
            targets=self.targets[rows],
            weights=self.weights[rows],
        )


def fit_newcomer(
    labelled: Labelled, success: Floats, calibration: Calibration, *, seed: int
) -> Newcomer:
    """Fits the column of a new model and its calibration.

    Args:
        labelled: What it was tried on.
        success: The table of the models that are there, (C, M).
        calibration: Theirs. The new model's slope is their mean: more than an offset, few labels
            cannot tell.
        seed: Decides which labels check which.
    """
    centre, directions = _pool_prior(success)
    slope = float(calibration.slope.mean())
    chances = _held_out_chances(labelled, centre, directions, seed)
    column = _fit(labelled, centre, directions)
    offset = fit_offset(
        slope * logit(chances) + labelled.eases,
        labelled.targets,
        labelled.weights,
        prior=_usual_offset(calibration, success, column),
    )
    return Newcomer(success=column, slope=slope, offset=offset)


def error_bar(
    newcomer: Newcomer,
    labelled: Labelled,
    success: Floats,
    calibration: Calibration,
    *,
    seed: int,
) -> ErrorBar:
    """Returns the error bar, by the bootstrap, of what ``fit_newcomer`` gave for the same values."""
    draw = np.random.default_rng(seed)
    count = len(labelled.targets)
    resampled = np.array(
        [
            fit_newcomer(
                labelled.take(draw.integers(count, size=count)), success, calibration, seed=seed
            ).scores(labelled.class_weights, labelled.eases)
            for _ in range(RESAMPLES)
        ]
    )  # (R, N)
    centre, directions = _pool_prior(success)
    chances = _held_out_chances(labelled, centre, directions, seed)
    held_out = sigmoid(newcomer.slope * logit(chances) + newcomer.offset + labelled.eases)
    figures = calibration_figures(held_out, labelled.targets)
    scores = newcomer.scores(labelled.class_weights, labelled.eases)
    return ErrorBar(
        label_count=count,
        mean_score=float(np.average(scores, weights=labelled.weights)),
        mean_score_standard_error=float(
            np.average(resampled, axis=1, weights=labelled.weights).std(ddof=1)
        ),
        query_score_standard_error=float(resampled.std(axis=0, ddof=1).mean()),
        calibration_error=figures.calibration_error,
        brier=figures.brier,
    )


def _pool_prior(success: Floats) -> tuple[Floats, Floats]:
    """Returns mean (C,) and directions (C, K): a model is the mean plus directions @ N(0, 1)."""
    logits = logit(success)
    centre = logits.mean(axis=1)
    classes, models = logits.shape
    found = [np.full((classes, 1), SPREAD), DEPARTURE * np.eye(classes)]
    if models > 1:
        found.append((logits - centre[:, None]) / np.sqrt(models - 1))
    # Any factor of the covariance will do; this is the narrowest.
    left, singular, _ = np.linalg.svd(np.concatenate(found, axis=1), full_matrices=False)
    return centre, left * singular


def _fit(labelled: Labelled, centre: Floats, directions: Floats) -> Floats:
    """Returns the most probable column, (C,)."""
    solution = np.zeros(directions.shape[1])
    value = _objective(labelled, centre + directions @ solution, solution)
    for _ in range(MAX_STEPS):
        step = _newton_step(labelled, centre, directions, solution)
        for shrink in (1.0, 0.5, 0.25, 0.1, 0.01):
            there = solution + shrink * step
            found = _objective(labelled, centre + directions @ there, there)
            if found > value:
                break
        else:
            break
        gain, solution, value = found - value, there, found
        if gain < STEP_TOLERANCE:
            break
    return _chances(centre + directions @ solution)


def _newton_step(
    labelled: Labelled, centre: Floats, directions: Floats, solution: Floats
) -> Floats:
    """Returns a step of Newton's method with the expected Hessian, which is always definite."""
    success = _chances(centre + directions @ solution)
    chances = labelled.class_weights @ success
    slopes = (labelled.class_weights * (success * (1 - success))) @ directions  # (N, K)
    information = labelled.weights / (chances * (1 - chances))
    gradient = slopes.T @ (information * (labelled.targets - chances)) - solution
    hessian = (slopes * information[:, None]).T @ slopes + np.eye(len(solution))
    step: Floats = np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64)
    return step


def _objective(labelled: Labelled, logits: Floats, solution: Floats) -> float:
    """Returns the logarithm of likelihood times prior, but for a constant."""
    chances = labelled.class_weights @ _chances(logits)
    likelihood = labelled.targets * np.log(chances) + (1 - labelled.targets) * np.log1p(-chances)
    return float(labelled.weights @ likelihood - solution @ solution / 2)


def _chances(logits: Floats) -> Floats:
    clipped: Floats = np.clip(sigmoid(logits), 1 - LARGEST_CERTAINTY, LARGEST_CERTAINTY)
    return clipped


def _held_out_chances(labelled: Labelled, centre: Floats, directions: Floats, seed: int) -> Floats:
    """Returns each query's chance (N,) by what was fitted to the labels of others."""
    count = len(labelled.targets)
    folds = np.random.default_rng(seed).permutation(count) % FOLDS
    chances = np.empty(count)
    for fold in np.unique(folds):
        ours = labelled.take(np.flatnonzero(folds != fold))
        column = _fit(ours, centre, directions)
        chances[folds == fold] = labelled.class_weights[folds == fold] @ column
    return chances


def _usual_offset(calibration: Calibration, success: Floats, column: Floats) -> float:
    """Returns the offset that the pool's models have at the new model's ability.

    Where scores are drawn towards their models' means, offsets grow with ability.
    """
    abilities = logit(success).mean(axis=0)
    spread = abilities - abilities.mean()
    variance = float(spread @ spread)
    slope = float(spread @ calibration.offset) / variance if variance > 0 else 0.0
    return float(calibration.offset.mean() + slope * (logit(column).mean() - abilities.mean()))
