"""Differences between a rollout's arms: one value per decision, whose mean is the difference. Pure.

Each decision was made by one arm, drawn with a known probability p. With the outcome y, the value

    (y - m) / p for the candidate, -(y - m) / (1 - p) for the active artifact

has the mean of the difference for every m that is fixed before the draw (Horvitz and Thompson 1952).
Two choices of m make its variance small. Where both artifacts choose the same, the value is 0. Else m
is what earlier feedback predicts from the artifacts' own scores (a control variate; Deng, Xu, Kohavi
and Walker 2013, "Improving the sensitivity of online controlled experiments by utilizing
pre-experiment data").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from services.evaluation.rollout.observation import Observation

    Floats = npt.NDArray[np.float64]

FIRST_MEAN = 0.5
"""The mean of feedback before any is known."""
PRIOR_COUNT = 10.0
"""Number of feedbacks that ``FIRST_MEAN`` weighs as much as."""
PRIOR_SPREAD = 1.0
"""Sum of squared predictions that a slope of zero weighs as much as."""


def feedback_differences(observations: Sequence[Observation]) -> Floats:
    """Returns the values of observations (N,), all with feedback, in the order of the feedback."""
    predicted, expected = _predictions(observations)
    outcomes = np.array([o.feedback for o in observations], dtype=np.float64)
    return _weights(observations) * (outcomes - _control(predicted, expected, outcomes))


def amount_differences(observations: Sequence[Observation], amounts: Sequence[float]) -> Floats:
    """Returns the values of observations (N,) whose outcomes are dollars or seconds (N,)."""
    values = np.array(amounts, dtype=np.float64)
    centre = float(values.mean()) if len(values) else 0.0
    return _weights(observations) * (values - centre)


def lowest_difference(observations: Sequence[Observation]) -> float:
    """Returns the lowest value that a difference of feedback can have; below zero."""
    least = min((min(o.probability, 1 - o.probability) for o in observations), default=0.5)
    return -1 / least


def _weights(observations: Sequence[Observation]) -> Floats:
    """Returns 1 / p or -1 / (1 - p) of each observation, and 0 where the choices are the same, (N,)."""
    weights = [
        0.0
        if not o.differs
        else 1 / o.probability
        if o.from_candidate
        else -1 / (1 - o.probability)
        for o in observations
    ]
    return np.array(weights, dtype=np.float64)


def _predictions(observations: Sequence[Observation]) -> tuple[Floats, Floats]:
    """Returns the score of the arm that answered, and the one that makes the variance least, (N,)."""
    active = np.array([o.active_score for o in observations], dtype=np.float64)
    candidate = np.array([o.candidate_score for o in observations], dtype=np.float64)
    drawn = np.array([o.from_candidate for o in observations], dtype=bool)
    shares = np.array([o.probability for o in observations], dtype=np.float64)
    return np.where(drawn, candidate, active), (1 - shares) * candidate + shares * active


def _control(predicted: Floats, expected: Floats, outcomes: Floats) -> Floats:
    """Returns a regression's prediction of each outcome, fitted to the earlier ones alone, (N,)."""
    count = np.arange(len(outcomes), dtype=np.float64)
    total_x, total_y = _before(predicted), _before(outcomes)
    mean_x = total_x / np.maximum(count, 1)
    mean_y = (total_y + PRIOR_COUNT * FIRST_MEAN) / (count + PRIOR_COUNT)
    spread = _before(predicted**2) - count * mean_x**2
    product = _before(predicted * outcomes) - total_y * mean_x
    slope = product / (np.maximum(spread, 0) + PRIOR_SPREAD)
    centre = np.where(count > 0, mean_x, expected)
    fitted: Floats = np.clip(mean_y + slope * (expected - centre), 0, 1)
    return fitted


def _before(values: Floats) -> Floats:
    """Returns the sum of the values before each one, (N,)."""
    return np.cumsum(values) - values
