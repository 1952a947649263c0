"""The log odds that a score is worth, by the record of the model that gives it. Pure.

A model says s of an answer whose prior score is p. With l the log odds, x = l(s) clipped to
[-MOST_ODDS, MOST_ODDS], x' the mean of x over its record, and y whether the answer turned out right:

    log odds of right = l(p) + bias + slope * (x - x')

`bias` and `slope` are the maximum of the posterior of that logistic model, under a normal prior
around zero of standard deviation 1 / sqrt(PENALTY) each, found by Newton's method (Bishop 2006,
"Pattern Recognition and Machine Learning", 4.3.3 and 4.5). The bias is the scorer's error and says
nothing of the model's scores, so it is dropped: a score is worth slope * (x - x'). So a model without a
record, one that always says the same, or one whose scores have nothing to do with what turns out right,
is worth nothing. A model that says the opposite of what is right is worth nothing either: its slope
would be negative, and it could choose to end that.

What a score is worth never exceeds MOST_EVIDENCE either way: a model may be honest until it matters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_ODDS = 2.0
"""Most log odds of a score that are read: beyond 0.12 and 0.88, models differ in style."""
MOST_EVIDENCE = 1.0
"""Most log odds that one score is worth. In games, known liars cost less with more, and models that
start to lie cost less with less."""
PENALTY = 4.0
"""Precision of the prior of bias and slope: some sixteen answers move them half of the way."""

_STEPS = 30
_LARGEST_STEP = 1.0
_LEAST, _MOST = 0.02, 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A score that a model gave an answer, and what turned out."""

    prior: float
    """The scorer's score of the answer's model, in [0, 1]."""
    score: float
    """The score that it gave, in [0, 1]."""
    right: float
    """The truth as far as it is known, in [0, 1]."""
    weight: float = 1.0
    """Weight of what turned out, at least 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The worth of a model's scores."""

    center: float
    """Mean log odds of its scores, which are worth nothing."""
    slope: float
    """Log odds for each of the score; at least 0."""
    count: int
    """Number of scores that it was learned from."""

    def evidence(self, score: float) -> float:
        """Returns the log odds that a score is worth; it never falls as the score rises."""
        said = self.slope * (_read(score) - self.center)
        return min(max(said, -MOST_EVIDENCE), MOST_EVIDENCE)


def fit_curve(said: Sequence[Said]) -> Curve:
    """Returns the curve of a model's scores; it is worth nothing without any."""
    center = fmean(_read(each.score) for each in said) if said else 0.0
    rows = [
        (log_odds(each.prior), _read(each.score) - center, each.right, each.weight) for each in said
    ]
    bias = slope = 0.0
    for _ in range(_STEPS):
        first, second = -PENALTY * bias, -PENALTY * slope
        a, b, c = PENALTY, 0.0, PENALTY  # the curvature (a, b; b, c)
        for odds, x, right, weight in rows:
            chance = 1 / (1 + math.exp(-(odds + bias + slope * x)))
            error, spread = weight * (right - chance), weight * chance * (1 - chance)
            first, second = first + error, second + error * x
            a, b, c = a + spread, b + spread * x, c + spread * x * x
        determinant = a * c - b * b
        bias += _bounded((c * first - b * second) / determinant)
        slope += _bounded((a * second - b * first) / determinant)
    return Curve(center=center, slope=max(slope, 0.0), count=len(rows))


def log_odds(score: float) -> float:
    """Returns the log odds of a probability; no model is certain."""
    score = min(max(score, _LEAST), _MOST)
    return math.log(score / (1 - score))


def _read(score: float) -> float:
    return min(max(log_odds(score), -MOST_ODDS), MOST_ODDS)


def _bounded(step: float) -> float:
    """Returns a step of Newton's method that cannot leave the region where it converges."""
    return min(max(step, -_LARGEST_STEP), _LARGEST_STEP)
