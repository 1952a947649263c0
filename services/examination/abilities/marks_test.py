"""Tests of a model's marks: are two parts those of one model, and do they depend on the difficulty?

The two parts may be of different questions: what counts is by how much each part is above or below what
the model's abilities let expect, question by question (a score test of one ability for both parts).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

SIGNIFICANT = 0.001
"""Largest chance of so great a difference by luck that is reported: 1 false alarm in 1,000 models."""

_ITERATIONS = 30
_RIDGE = 0.1
"""Keeps the slope finite where all answers are right, or all wrong."""

_MIN_INFORMATION = 1.0
"""Less information in a part, in squared logits, and nothing can be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The difference of the second part from the first one."""

    logits: float
    """Ability of the second part less that of the first one."""
    chance: float
    """Chance of so great a difference by luck, all kinds that were looked at taken into account."""
    kind: int | None
    """The kind that differs most; None if it is all kinds together."""

    @property
    def is_significant(self) -> bool:
        """True if it is hardly luck."""
        return self.chance < SIGNIFICANT


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """A part of a model's marks, (K, L)."""

    asked: Floats
    right: Floats


def difference(first: Part, second: Part, chances: Floats) -> Difference:
    """Returns the greatest difference of two parts, over all kinds together and each kind alone.

    Args:
        first: The earlier part.
        second: The later part.
        chances: Chance of a right answer, roughly, (K, L).
    """
    slopes = chances * (1 - chances)
    gaps = [(part.right - part.asked * chances).sum(axis=1) for part in (first, second)]
    known = [(part.asked * slopes).sum(axis=1) for part in (first, second)]
    scopes: list[int | None] = [None, *range(len(chances))]
    found = [Difference(logits=0.0, chance=1.0, kind=None)]
    for scope in scopes:
        rows = slice(None) if scope is None else slice(scope, scope + 1)
        information = [float(each[rows].sum()) for each in known]
        if min(information) < _MIN_INFORMATION:
            continue
        before, after = (
            float(gap[rows].sum()) / each for gap, each in zip(gaps, information, strict=True)
        )
        z = abs(after - before) / np.sqrt(sum(1 / each for each in information))
        chance = min(1.0, 2 * NormalDist().cdf(-z) * len(scopes))
        found.append(Difference(logits=after - before, chance=chance, kind=scope))
    return min(found, key=lambda each: each.chance)


def difficulty_slope(marks: Part, difficulty: Floats) -> tuple[float, float]:
    """Returns how strongly marks depend on the difficulty, and the standard error of that.

    It is the slope of a logistic regression on the difficulty, whose sign is turned: 1 for a model as
    the item response model expects it, 0 for one that guesses.
    """
    inputs = np.stack([np.ones(difficulty.size), -difficulty.ravel()], axis=1)
    asked, right = marks.asked.ravel(), marks.right.ravel()
    weights = np.zeros(2)
    for _ in range(_ITERATIONS):
        chances = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        slopes = asked * chances * (1 - chances)
        precision = (inputs * slopes[:, None]).T @ inputs + _RIDGE * np.eye(2)
        step = np.linalg.solve(precision, inputs.T @ (right - asked * chances) - _RIDGE * weights)
        weights = weights + np.clip(step, -1, 1)
    return float(weights[1]), float(np.sqrt(np.linalg.inv(precision)[1, 1]))
