"""Adds a model to a pool from a few labelled queries, with the pool's models as the prior.

``class weights (N, K), labels (N,), success (K, M) of the others -> success (K,)``

The prior is the normal distribution, on the logit scale, of the pool's models over the kinds: a model
that is strong in algebra tends to be strong in calculus. A few labels move what the pool's models have
in common, and many labels move everything; two hundred suffice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.training.calibrate import logit, sigmoid
from scorer.training.mixture.success import LARGEST_CERTAINTY

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

SPREAD = 1.0
"""Standard deviation, in logits, of a model's ability against the whole pool's."""

KIND_SPREAD = 0.3
"""Standard deviation, in logits, of what a model does in a single kind unlike any model before it."""

STEPS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labelled:
    """Queries that the new model answered."""

    class_weights: Floats
    """Class weights, (N, K)."""
    targets: Floats
    """Scores of the new model, (N,)."""
    weights: Floats
    """Weight of each row, in queries, (N,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreError:
    """The error of a new model's scores, before their calibration."""

    label_count: float
    """Sum of the labels' weights."""
    mean_score: float
    """Mean chance of a good answer over the labelled queries."""
    mean_score_standard_error: float
    query_score_standard_error: float
    """The mean over the queries."""


def fit_new_model(labelled: Labelled, success: Floats) -> Floats:
    """Returns the chance that a model answers a query of each kind well, (K,).

    It is the most probable one, found by Gauss-Newton steps of half length.

    Args:
        labelled: The queries that the model was tried on.
        success: The success table of the pool's models, (K, M).
    """
    centre, covariance = pool_prior(success)
    logits = centre
    for _ in range(STEPS):
        column = _chances(logits)
        chances = labelled.class_weights @ column
        slopes = labelled.class_weights * (column * (1 - column))
        weighted = slopes * (labelled.weights / (chances * (1 - chances)))[:, None]
        gaps = labelled.targets - chances + slopes @ (logits - centre)
        precision = np.eye(len(centre)) + weighted.T @ slopes @ covariance
        step = np.linalg.solve(precision, weighted.T @ gaps)
        logits = (logits + centre + covariance @ step) / 2
    return _chances(logits)


def score_error(column: Floats, labelled: Labelled, success: Floats) -> ScoreError:
    """Returns the error of a model that was fitted to these labels, by a normal approximation.

    Labels may weigh more or less than one, as those of an examination do, so they are not resampled.

    Args:
        column: The result of ``fit_new_model``, (K,).
        labelled: The labels.
        success: The success table of the pool's models, which were the prior, (K, M).
    """
    _, covariance = pool_prior(success)
    chances = labelled.class_weights @ column
    slopes = labelled.class_weights * (column * (1 - column))
    told = slopes.T @ (slopes * (labelled.weights / (chances * (1 - chances)))[:, None])  # (K, K)
    posterior = np.linalg.solve(np.eye(len(column)) + covariance @ told, covariance)
    mean_slope = np.average(slopes, axis=0, weights=labelled.weights)
    variances = np.einsum("nk,kl,nl->n", slopes, posterior, slopes)
    return ScoreError(
        label_count=float(labelled.weights.sum()),
        mean_score=float(np.average(chances, weights=labelled.weights)),
        mean_score_standard_error=float(np.sqrt(mean_slope @ posterior @ mean_slope)),
        query_score_standard_error=float(np.sqrt(np.maximum(variances, 0)).mean()),
    )


def pool_prior(success: Floats) -> tuple[Floats, Floats]:
    """Returns mean (K,) and covariance (K, K) of the pool's models on the logit scale."""
    logits = logit(success)
    centre = logits.mean(axis=1)
    apart = logits - centre[:, None]
    covariance = apart @ apart.T / max(apart.shape[1] - 1, 1)
    return centre, covariance + SPREAD**2 + KIND_SPREAD**2 * np.eye(len(centre))


def _chances(logits: Floats) -> Floats:
    clipped: Floats = np.clip(sigmoid(logits), 1 - LARGEST_CERTAINTY, LARGEST_CERTAINTY)
    return clipped
