"""Adds a model to a pool from a few labelled queries, with the pool's models as the prior.

``class weights (N, C), labels (N,), success (C, M) of the others -> NewModel: success (C,)``

The prior is the normal distribution, on the logit scale, of the pool's models over the classes: a model
that is strong in algebra tends to be strong in calculus. The most probable column of the success table,
given the labels, is found by Newton's method. A few labels move what the pool's models have in common,
and many labels move everything; two hundred suffice.
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
"""Standard deviation, in logits, of a model's ability against the whole pool's."""

CLASS_SPREAD = 0.3
"""Standard deviation, in logits, of what a model does in a single class unlike any model before it."""

MAX_STEPS = 50
STEP_TOLERANCE = 1e-6

FOLDS = 5
RESAMPLES = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewModel:
    """A model that was added to a pool."""

    success: Floats
    """Probability that it answers a query of a class well, (C,)."""
    slope: float
    """Slope of its calibration."""
    offset: float
    """Offset of its calibration."""

    def scores(self, class_weights: Floats, easiness: Floats) -> Floats:
        """Returns its calibrated scores, (N,), of class weights (N, C) and easiness (N,) in logits."""
        return sigmoid(logit(class_weights @ self.success) * self.slope + self.offset + easiness)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBar:
    """Error estimates of a new model's scores, from its own labels."""

    label_count: int
    mean_score: float
    """Mean predicted score of the labelled queries."""
    mean_score_standard_error: float
    """Standard error of ``mean_score``, over resampled labels."""
    query_score_standard_error: float
    """Standard error of the score of one query, over resampled labels; the mean over the queries."""
    calibration_error: float
    """Expected calibration error of cross-validated scores. With few labels, chance alone is some
    hundredths."""
    brier: float
    """Brier score of cross-validated scores."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labelled:
    """Queries that the new model answered."""

    class_weights: Floats
    """Class weights, (N, C)."""
    easiness: Floats
    """Logits that every model's score of the query gains, (N,); zeros if scores are not shrunk."""
    targets: Floats
    """Scores of the new model, (N,)."""
    weights: Floats
    """Weight of each row, in queries, (N,)."""

    def take(self, rows: npt.NDArray[np.integer]) -> Labelled:
        """Returns the given rows, which may repeat."""
        return Labelled(
            class_weights=self.class_weights[rows],
            easiness=self.easiness[rows],
            targets=self.targets[rows],
            weights=self.weights[rows],
        )


def fit_new_model(
    labelled: Labelled, success: Floats, calibration: Calibration, *, seed: int
) -> NewModel:
    """Fits the column of a new model and its calibration.

    Args:
        labelled: The queries that it was tried on.
        success: The success table of the pool's models, (C, M).
        calibration: The calibration of the pool's models. The new model's slope is their mean: few
            labels can tell an offset and no more.
        seed: Decides the folds.
    """
    centre, directions = _pool_prior(success)
    slope = float(calibration.slope.mean())
    chances = _held_out_chances(labelled, centre, directions, seed)
    column = _fit(labelled, centre, directions)
    offset = fit_offset(
        slope * logit(chances) + labelled.easiness,
        labelled.targets,
        labelled.weights,
        prior=_expected_offset(calibration, success, column),
    )
    return NewModel(success=column, slope=slope, offset=offset)


def error_bar(
    new_model: NewModel,
    labelled: Labelled,
    success: Floats,
    calibration: Calibration,
    *,
    seed: int,
) -> ErrorBar:
    """Returns the bootstrapped error bar of the result of ``fit_new_model`` for the same values."""
    draw = np.random.default_rng(seed)
    count = len(labelled.targets)
    resampled = np.array(
        [
            fit_new_model(
                labelled.take(draw.integers(count, size=count)), success, calibration, seed=seed
            ).scores(labelled.class_weights, labelled.easiness)
            for _ in range(RESAMPLES)
        ]
    )  # (R, N)
    centre, directions = _pool_prior(success)
    chances = _held_out_chances(labelled, centre, directions, seed)
    held_out = sigmoid(new_model.slope * logit(chances) + new_model.offset + labelled.easiness)
    figures = calibration_figures(held_out, labelled.targets)
    scores = new_model.scores(labelled.class_weights, labelled.easiness)
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
    found = [np.full((classes, 1), SPREAD), CLASS_SPREAD * np.eye(classes)]
    if models > 1:
        found.append((logits - centre[:, None]) / np.sqrt(models - 1))
    # Any factor of the covariance would do; this is the narrowest.
    left, singular, _ = np.linalg.svd(np.concatenate(found, axis=1), full_matrices=False)
    return centre, left * singular


def _fit(labelled: Labelled, centre: Floats, directions: Floats) -> Floats:
    """Returns the most probable column, (C,)."""
    solution = np.zeros(directions.shape[1])
    value = _objective(labelled, centre + directions @ solution, solution)
    for _ in range(MAX_STEPS):
        step = _newton_step(labelled, centre, directions, solution)
        for length in (1.0, 0.5, 0.25, 0.1, 0.01):
            there = solution + length * step
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
    """Returns the cross-validated chance of each query, (N,)."""
    count = len(labelled.targets)
    folds = np.random.default_rng(seed).permutation(count) % FOLDS
    chances = np.empty(count)
    for fold in np.unique(folds):
        others = labelled.take(np.flatnonzero(folds != fold))
        column = _fit(others, centre, directions)
        chances[folds == fold] = labelled.class_weights[folds == fold] @ column
    return chances


def _expected_offset(calibration: Calibration, success: Floats, column: Floats) -> float:
    """Returns the offset that the pool's models have at the new model's ability.

    Where scores are shrunk towards their models' means, offsets grow with ability.
    """
    abilities = logit(success).mean(axis=0)
    spread = abilities - abilities.mean()
    variance = float(spread @ spread)
    slope = float(spread @ calibration.offset) / variance if variance > 0 else 0.0
    return float(calibration.offset.mean() + slope * (logit(column).mean() - abilities.mean()))
