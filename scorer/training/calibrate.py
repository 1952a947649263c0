"""Fits one continuous monotone map from all models' raw logits to probabilities.

``logits (N, M), targets (N, M) -> slope and offset -> sigmoid(slope * logit + offset)``

Platt scaling (Platt 1999, "Probabilistic outputs for support vector machines"), with soft targets. The
map is affine in the logit, so the graph applies it as one product and one sum. It is the same for all
models: a map of a model that was tried on few kinds would change its scores on the others.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """``calibrated logit = slope * logit + offset``."""

    slope: float
    offset: float

    def scores(self, chances: npt.NDArray[np.floating]) -> Floats:
        """Returns the calibrated scores of chances, each of the same shape."""
        return sigmoid(self.slope * logit(chances) + self.offset)


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
    features = np.stack([logits[labelled], np.ones(labelled.sum())], axis=1).astype(np.float64)
    labels, counts = targets[labelled], np.broadcast_to(weights[:, None], targets.shape)[labelled]
    identity = np.array([1.0, 0.0])
    solution = identity
    for _ in range(MAX_STEPS):
        probabilities = sigmoid(features @ solution)
        gradient = features.T @ (counts * (probabilities - labels)) + PRIOR * (solution - identity)
        variance = counts * probabilities * (1 - probabilities)
        hessian = (features * variance[:, None]).T @ features + PRIOR * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        longest = float(np.abs(step).max())
        # A full step can overshoot where the sigmoid is flat; four units is far on a logit scale.
        solution = solution - step * min(1.0, 4.0 / max(longest, STEP_TOLERANCE))
        if longest < STEP_TOLERANCE:
            break
    return Calibration(slope=max(float(solution[0]), MIN_SLOPE), offset=float(solution[1]))


def sigmoid(logits: npt.NDArray[np.floating]) -> Floats:
    """Returns the logistic function, without overflow for any finite logit."""
    half = np.asarray(logits, dtype=np.float64) / 2
    return 0.5 * (1 + np.tanh(half))


def logit(probabilities: npt.NDArray[np.floating]) -> Floats:
    """Returns the inverse of ``sigmoid``, finite for 0 and 1."""
    clipped = np.clip(np.asarray(probabilities, dtype=np.float64), SMALLEST, 1 - SMALLEST)
    logits: Floats = np.log(clipped) - np.log1p(-clipped)
    return logits
