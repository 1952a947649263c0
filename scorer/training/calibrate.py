"""Fits how far held-out labels bear out that scores depart from their models' means.

``logits (N, M), targets (N, M) -> slope, offset per model -> sigmoid(slope * logit + offset)``

Platt scaling (Platt 1999, "Probabilistic outputs for support vector machines"), with soft targets,
around each model's mean logit. Slope and shift are the same for all models: a map of a model that was
tried on few kinds would change its scores on the others. Where labels are noise, the slope is small,
and the model that is best on average comes first. The map is affine in the logit, so the graph applies
it as one product and one sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

PRIOR = 1e-3
"""Weight, in labels, of scores that stay as they are; keeps the fit finite for separated labels."""

SMALLEST = 1e-6
"""Smallest distance of a probability from 0 and from 1."""

MAX_STEPS = 50
STEP_TOLERANCE = 1e-10

MIN_SLOPE = 0.05
"""Smallest slope, so that a calibrated score never falls as its logit rises."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """``calibrated logit = slope * logit + offset``, each of shape (M,)."""

    slope: Floats
    offset: Floats

    def scores(self, chances: npt.NDArray[np.floating]) -> Floats:
        """Returns the calibrated scores of chances, each (N, M)."""
        return sigmoid(self.slope * logit(chances) + self.offset)

    def mean(self) -> Calibration:
        """Returns the mean over the models, for one that is added to them."""
        return Calibration(
            slope=self.slope.mean(keepdims=True), offset=self.offset.mean(keepdims=True)
        )


def fit_calibration(
    logits: npt.NDArray[np.floating],
    targets: npt.NDArray[np.floating],
    weights: npt.NDArray[np.floating],
) -> Calibration:
    """Minimizes the cross-entropy on held-out labels by Newton's method.

    Args:
        logits: Logits, (N, M).
        targets: Labels, (N, M), NaN where there is none.
        weights: Weight of each row, in queries, (N,).
    """
    labelled = ~np.isnan(targets)
    centres = logits.mean(axis=0, dtype=np.float64)
    middle = np.broadcast_to(centres, logits.shape)[labelled]
    features = np.stack([logits[labelled] - middle, np.ones(len(middle))], axis=1)
    labels, counts = targets[labelled], np.broadcast_to(weights[:, None], targets.shape)[labelled]
    identity = np.array([1.0, 0.0])
    solution = identity
    for _ in range(MAX_STEPS):
        probabilities = sigmoid(middle + features @ solution)
        gradient = features.T @ (counts * (probabilities - labels)) + PRIOR * (solution - identity)
        variance = counts * probabilities * (1 - probabilities)
        hessian = (features * variance[:, None]).T @ features + PRIOR * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        longest = float(np.abs(step).max())
        # A full step can overshoot where the sigmoid is flat; four units is far on a logit scale.
        solution = solution - step * min(1.0, 4.0 / max(longest, STEP_TOLERANCE))
        if longest < STEP_TOLERANCE:
            break
    slope = np.full(len(centres), max(solution[0], MIN_SLOPE))
    return Calibration(slope=slope, offset=(1 - slope) * centres + solution[1])


def sigmoid(logits: npt.NDArray[np.floating]) -> Floats:
    """Returns the logistic function, without overflow for any finite logit."""
    half = np.asarray(logits, dtype=np.float64) / 2
    return 0.5 * (1 + np.tanh(half))


def logit(probabilities: npt.NDArray[np.floating]) -> Floats:
    """Returns the inverse of ``sigmoid``, finite for 0 and 1."""
    clipped = np.clip(np.asarray(probabilities, dtype=np.float64), SMALLEST, 1 - SMALLEST)
    logits: Floats = np.log(clipped) - np.log1p(-clipped)
    return logits
