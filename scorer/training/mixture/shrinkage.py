"""Shrinks each model's scores towards its mean, then recalibrates them with a term for easy queries.

``logits (N, M) -> shrunk: (1 - share) * logits + share * logit(means)``
``shrunk, easiness (N,) -> slope * shrunk + weight * easiness + offset``

Where queries hardly tell which model is best, choosing by query chases noise, and loses to always
taking the model that is best on average. But shrinking also takes away how easy a query is for all
models, which is not noise. One map of the whole pool gives that back, as far as the labels ask for it.
It moves all scores of a query together, so it never changes a choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.ranking import ranking_outcomes
from scorer.training.calibrate import Calibration, fit_shared, logit, sigmoid
from scorer.training.mixture.significance import best_candidate

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

SHARES = (0.0, 0.25, 0.5, 0.75)
"""The shares of the way to the models' means that are tried."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shrinkage:
    """A calibration whose scores may be shrunk, and the weight of the easiness of a query."""

    calibration: Calibration
    easiness: float
    """Logits that every score of a query gains per unit of the query's easiness. It is 0 if nothing is
    shrunk, or if the labels show no effect of easiness."""

    def easiness_by_class(self, success: Floats) -> Floats:
        """Returns the logits that a query of each class gains for every model, (C,)."""
        return self.easiness * class_easiness(success)

    def scores(self, chances: Floats, easiness: Floats) -> Floats:
        """Returns the calibrated scores (N, M) of chances (N, M) and easiness (N,)."""
        logits = logit(chances) * self.calibration.slope + self.calibration.offset
        return sigmoid(logits + self.easiness * easiness[:, None])


def class_easiness(success: Floats) -> Floats:
    """Returns the easiness of each class, (C,): the mean logit of the models' chances (C, M)."""
    easiness: Floats = logit(success).mean(axis=1)
    return easiness


def fit_shrinkage(
    calibration: Calibration,
    chances: Floats,
    easiness: Floats,
    targets: npt.NDArray[np.floating],
    weights: npt.NDArray[np.floating],
) -> Shrinkage:
    """Shrinks scores as far as the first choices become better by it.

    Args:
        calibration: The calibration of ``chances``.
        chances: Held-out scores before calibration, (N, M).
        easiness: Class weights @ ``class_easiness`` of the same queries, (N,).
        targets: Labels, (N, M), NaN where there is none.
        weights: Weight of each row, in queries, (N,).
    """
    logits = logit(chances)
    means = np.average(np.where(np.isnan(targets), chances, targets), axis=0, weights=weights)
    shrunk = [
        Calibration(
            slope=(1 - share) * calibration.slope,
            offset=(1 - share) * calibration.offset + share * logit(means),
        )
        for share in SHARES
    ]
    # A score and its logit rank alike.
    outcomes = [
        ranking_outcomes(logits * each.slope + each.offset, targets).scores for each in shrunk
    ]
    best = best_candidate(outcomes, weights)
    if SHARES[best] == 0:
        return Shrinkage(calibration=calibration, easiness=0.0)
    found = shrunk[best]
    shared = fit_shared(logits * found.slope + found.offset, easiness, targets, weights)
    return Shrinkage(
        calibration=Calibration(
            slope=shared.slope * found.slope, offset=shared.slope * found.offset + shared.offset
        ),
        easiness=shared.easiness,
    )
