"""Scores that tell models apart by noise -> scores drawn to their models' means, and calibrated again.

``logits (N, M) -> drawn: (1 - share) * logits + share * logit(means)``
``drawn, eases (N,) -> slope * drawn + ease * eases + offset``

Where queries hardly tell which model is best, choosing by query chases noise, and loses to always
taking the model that is best on average. But drawing also takes away how easy a query is for all
models, which is no noise. That is given back, as far as the labels ask for it, by one map of the pool,
which moves all scores of a query together and so no choice between them.
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
"""How far scores may be drawn towards their models' means."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anchor:
    """What the scores are drawn by."""

    calibration: Calibration
    ease: float
    """Logits that every score of a query gains per unit of the query's ease; 0 if nothing is drawn, or
    labels say that it tells nothing."""

    def ease_by_class(self, success: Floats) -> Floats:
        """Returns the logits that a query of each class gains for every model, (C,)."""
        return self.ease * class_ease(success)

    def scores(self, chances: Floats, eases: Floats) -> Floats:
        """Returns the calibrated scores (N, M) of chances (N, M) and eases (N,)."""
        logits = logit(chances) * self.calibration.slope + self.calibration.offset
        return sigmoid(logits + self.ease * eases[:, None])


def class_ease(success: Floats) -> Floats:
    """Returns how easy each class is, (C,): the mean logit of the models' chances (C, M)."""
    ease: Floats = logit(success).mean(axis=1)
    return ease


def fit_anchor(
    calibration: Calibration,
    chances: Floats,
    eases: Floats,
    targets: npt.NDArray[np.floating],
    weights: npt.NDArray[np.floating],
) -> Anchor:
    """Draws scores as far as the first choices become better by it.

    Args:
        calibration: Of ``chances``.
        chances: Held-out scores before calibration, (N, M).
        eases: Class weights @ ``class_ease`` of the same queries, (N,).
        targets: Labels, (N, M), NaN where there is none.
        weights: How many queries each row counts as, (N,).
    """
    logits = logit(chances)
    means = np.average(np.where(np.isnan(targets), chances, targets), axis=0, weights=weights)
    drawn = [
        Calibration(
            slope=(1 - share) * calibration.slope,
            offset=(1 - share) * calibration.offset + share * logit(means),
        )
        for share in SHARES
    ]
    # A score and its logit rank alike.
    outcomes = [
        ranking_outcomes(logits * each.slope + each.offset, targets).scores for each in drawn
    ]
    best = best_candidate(outcomes, weights)
    if SHARES[best] == 0:
        return Anchor(calibration=calibration, ease=0.0)
    found = drawn[best]
    shared = fit_shared(logits * found.slope + found.offset, eases, targets, weights)
    return Anchor(
        calibration=Calibration(
            slope=shared.slope * found.slope, offset=shared.slope * found.offset + shared.offset
        ),
        ease=shared.ease,
    )
