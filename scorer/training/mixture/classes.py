"""Labels of one skill -> its response classes: a mixture of Bernoulli patterns, fitted by EM.

``targets (N, M), NaN where unknown -> Classes: shares (C,), success (C, M)``

Latent class analysis (Lazarsfeld and Henry 1968) with expectation maximization (Dempster, Laird and
Rubin 1977). A score between 0 and 1 counts as that much of a success.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

PRIOR_LABELS = 2.0
"""How many labels the skill's own mean weighs against those of a class."""

LARGEST_CERTAINTY = 0.99
"""No model succeeds or fails for sure: a class is a few hundred labels at most."""

STEPS = 60

START_NOISE = 0.15
"""Classes start as bands of equal size by how many models succeed, blurred by this much."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Classes:
    """C response classes of one skill."""

    shares: Floats
    """How much of the skill each class is, (C,), summing to 1."""
    success: Floats
    """Chance that a model answers a query of the class well, (C, M)."""


def fit_classes(
    targets: npt.NDArray[np.floating], weights: Floats, count: int, *, means: Floats, seed: int
) -> Classes:
    """Fits response classes to the labels of one skill.

    Args:
        targets: Labels, (N, M), NaN where there is none; at least one row.
        weights: How many queries each row counts as, (N,).
        count: How many classes.
        means: Each model's mean in the skill, (M,), its best guess where it has no label.
        seed: Decides where the search starts.
    """
    known = ~np.isnan(targets)
    wins = np.where(known, targets, 0.0).astype(np.float64)
    losses = known - wins
    belonging = _start(targets, count, np.random.default_rng(seed))
    for _ in range(STEPS):
        counted = belonging * weights[:, None]
        success = (counted.T @ wins + PRIOR_LABELS * means) / (
            counted.T @ known.astype(np.float64) + PRIOR_LABELS
        )
        success = np.clip(success, 1 - LARGEST_CERTAINTY, LARGEST_CERTAINTY)
        shares = (counted.sum(axis=0) + 1) / (weights.sum() + count)
        evidence = wins @ np.log(success).T + losses @ np.log1p(-success).T + np.log(shares)
        belonging = np.exp(evidence - evidence.max(axis=1, keepdims=True))
        belonging /= belonging.sum(axis=1, keepdims=True)
    return Classes(shares=shares, success=success)


def _start(targets: npt.NDArray[np.floating], count: int, random: np.random.Generator) -> Floats:
    """Returns a first belonging (N, C): bands of queries from hard to easy."""
    ease = np.nanmean(targets, axis=1) + START_NOISE * random.standard_normal(len(targets))
    ranks = ease.argsort().argsort()
    bands: Floats = np.eye(count)[ranks * count // len(targets)]
    return bands
