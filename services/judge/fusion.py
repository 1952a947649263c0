"""Combines prior, self and cross score into one posterior score.

The terms and the order of their default weights (prior, then cross, then self) are RouteMoA's. An
absent score is left out and the other weights are renormalised, so it does not count as zero. An
answer that was cut off is worth half of its score.
"""

from __future__ import annotations

from dataclasses import dataclass

CUT_OFF_SHARE = 0.5
"""Share of its score that an answer keeps that was cut off: it lacks its end, where models conclude.

A half ranks it below complete answers of like models, and ends no answer early by the default stopping
score, but keeps it above answers that others grade as wrong.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The weight of each term; only their ratios matter."""

    prior: float
    """Above zero."""
    self_: float
    """Zero or more."""
    cross: float
    """Zero or more."""


def fuse(
    weights: Weights,
    *,
    prior: float,
    self_score: float | None,
    cross_score: float | None,
    cut_off: bool = False,
) -> float:
    """Returns the weighted mean of the scores that exist; it is never outside their range.

    The score of an answer that was cut off is the share `CUT_OFF_SHARE` of that mean.
    """
    terms = [
        (weight, score)
        for weight, score in (
            (weights.prior, prior),
            (weights.self_, self_score),
            (weights.cross, cross_score),
        )
        if score is not None
    ]
    total = sum(weight for weight, _ in terms)
    mean = sum(weight * score for weight, score in terms) / total
    scores = [score for _, score in terms]
    # Rounding may exceed the range by the last digit.
    fused = min(max(mean, min(scores)), max(scores))
    return fused * CUT_OFF_SHARE if cut_off else fused
