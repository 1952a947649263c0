"""Standard errors of a new model's scores, by the normal approximation of its posterior.

Labels may weigh more or less than one, as those of an examination do, so resampling them would not do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.training.mixture.new_model import pool_prior

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.training.mixture.new_model import Labelled

    Floats = npt.NDArray[np.float64]


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


def score_error(column: Floats, labelled: Labelled, success: Floats) -> ScoreError:
    """Returns the error of a model that was fitted to these labels.

    Args:
        column: The result of ``fit_new_model``, (K,).
        labelled: The labels.
        success: The success table of the pool's models, which were the prior, (K, M).
    """
    _, covariance = pool_prior(success)
    chances = labelled.class_weights @ column
    slopes = labelled.class_weights * (column * (1 - column))
    noise = chances * (1 - chances) / labelled.weights
    along = slopes @ covariance  # (N, K)
    taken = along.T @ np.linalg.solve(np.diag(noise) + along @ slopes.T, along)
    posterior = covariance - taken
    mean_slope = np.average(slopes, axis=0, weights=labelled.weights)
    variances = np.einsum("nk,kl,nl->n", slopes, posterior, slopes)
    return ScoreError(
        label_count=float(labelled.weights.sum()),
        mean_score=float(np.average(chances, weights=labelled.weights)),
        mean_score_standard_error=float(np.sqrt(mean_slope @ posterior @ mean_slope)),
        query_score_standard_error=float(np.sqrt(np.maximum(variances, 0)).mean()),
    )
