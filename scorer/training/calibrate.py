"""Fits a continuous monotone map per model, from its raw logit to a probability.

``logits (N, M), targets (N, M) -> slope and offset per model -> sigmoid(slope * logit + offset)``

Platt scaling (Platt 1999, "Probabilistic outputs for support vector machines"), with soft targets
and a Gaussian prior around one map of the whole pool, so that a model with few labels is corrected as
its pool is. Each map is affine in the logit, so the graph applies it as one product and one sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

PRIOR_LABELS = 50
"""Weight of the pool's map, in labels of a model."""

SMALLEST = 1e-6
"""Smallest distance of a probability from 0 and from 1."""

MAX_STEPS = 50
STEP_TOLERANCE = 1e-10

MIN_SLOPE = 0.05
"""Smallest slope, so that a model's calibrated score never falls as its logit rises."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """``calibrated logit = slope * logit + offset``, each of shape (M,)."""

    slope: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]

    def scores(self, chances: npt.NDArray[np.floating]) -> Floats:
        """Returns the calibrated scores of chances, each (N, M)."""
        return sigmoid(self.slope * logit(chances) + self.offset)


def fit_calibration(
    logits: npt.NDArray[np.floating],
    targets: npt.NDArray[np.floating],
    weights: npt.NDArray[np.floating] | None = None,
) -> Calibration:
    """Fits one map per model on held-out labels.

    Args:
        logits: Logits, (N, M).
        targets: Labels, (N, M), NaN where there is none.
        weights: Weight of each row, in queries, (N,); 1 if left out.
    """
    labelled = ~np.isnan(targets)
    counts = np.ones(len(targets)) if weights is None else np.asarray(weights, dtype=np.float64)
    spread = np.broadcast_to(counts[:, None], targets.shape)
    identity = np.array([1.0, 0.0])
    # The first prior only keeps the fit finite where labels are few or perfectly separated.
    pool = _fit(
        _with_ones(logits[labelled]),
        targets[labelled],
        spread[labelled],
        prior=identity,
        precision=np.full(2, 1e-3),
    )
    precision = _precision(logits[labelled])
    maps = [
        _fit(
            _with_ones(logits[rows, column]),
            targets[rows, column],
            counts[rows],
            prior=pool,
            precision=precision,
        )
        for column, rows in enumerate(labelled.T)
    ]
    slope, offset = np.array(maps).T
    return Calibration(slope=np.maximum(slope, MIN_SLOPE), offset=offset)


def _precision(logits: npt.NDArray[np.floating]) -> Floats:
    """Returns the Hessian of ``PRIOR_LABELS`` labels at even odds (variance 1/4)."""
    # The floor keeps the fit determined where every logit is zero.
    spread = max(float(np.mean(np.square(logits))), 0.01) if logits.size else 1.0
    return PRIOR_LABELS * 0.25 * np.array([spread, 1.0])


def _with_ones(*features: npt.NDArray[np.floating]) -> Floats:
    """Returns features of N labels side by side, and a column of ones last."""
    columns = [*features, np.ones_like(features[0])]
    stacked: Floats = np.stack(columns, axis=1).astype(np.float64)
    return stacked


def _fit(
    features: Floats,
    targets: npt.NDArray[np.floating],
    weights: npt.NDArray[np.floating],
    *,
    prior: Floats,
    precision: Floats,
) -> Floats:
    """Minimizes the penalized cross-entropy by Newton's method; returns a weight per feature, (K,)."""
    solution = prior.copy()
    for _ in range(MAX_STEPS):
        probabilities = sigmoid(features @ solution)
        gradient = features.T @ (weights * (probabilities - targets)) + precision * (
            solution - prior
        )
        variance = weights * probabilities * (1 - probabilities)
        hessian = (features * variance[:, None]).T @ features + np.diag(precision)
        step = np.linalg.solve(hessian, gradient)
        longest = float(np.abs(step).max())
        # A full step can overshoot where the sigmoid is flat; four units is far on a logit scale.
        solution = solution - step * min(1.0, 4.0 / max(longest, STEP_TOLERANCE))
        if longest < STEP_TOLERANCE:
            break
    return solution


def sigmoid(logits: npt.NDArray[np.floating]) -> Floats:
    """Returns the logistic function, without overflow for any finite logit."""
    half = np.asarray(logits, dtype=np.float64) / 2
    return 0.5 * (1 + np.tanh(half))


def logit(probabilities: npt.NDArray[np.floating]) -> Floats:
    """Returns the inverse of ``sigmoid``, finite for 0 and 1."""
    clipped = np.clip(np.asarray(probabilities, dtype=np.float64), SMALLEST, 1 - SMALLEST)
    logits: Floats = np.log(clipped) - np.log1p(-clipped)
    return logits
