"""The values whose mean is the difference between the arms."""

from __future__ import annotations

import numpy as np
import pytest

from services.evaluation.rollout.arm_differences import (
    amount_differences,
    feedback_differences,
    lowest_difference,
)
from services.evaluation.rollout.observation import Observation

COUNT = 20_000


def observed(
    *, probability: float = 0.3, gain: float = 0.1, informed: bool = True
) -> list[Observation]:
    """Returns observations of queries whose difficulty the scores tell, if they are informed."""
    draw = np.random.default_rng(0)
    easy, arms = draw.random(COUNT), draw.random(COUNT) < probability
    good = draw.random(COUNT) < np.clip(0.05 + 0.8 * easy + np.where(arms, gain, 0), 0, 1)
    scores = easy if informed else np.full(COUNT, 0.5)
    return [
        Observation(
            tenant=None,
            from_candidate=bool(arms[row]),
            probability=probability,
            differs=True,
            active_score=float(scores[row]),
            candidate_score=float(scores[row]),
            cost_usd=1.0 + float(arms[row]),
            latency_s=1.0,
            feedback=float(good[row]),
        )
        for row in range(COUNT)
    ]


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.8])
def test_the_mean_is_the_difference_whatever_the_share_is(probability: float) -> None:
    values = feedback_differences(observed(probability=probability))
    error = float(values.std()) / COUNT**0.5
    assert values.mean() == pytest.approx(0.1, abs=3 * error)


def test_scores_that_tell_how_hard_queries_are_make_the_variance_smaller() -> None:
    informed = feedback_differences(observed())
    blind = feedback_differences(observed(informed=False))
    assert informed.var() < 0.85 * blind.var()


def test_no_value_is_below_the_lowest_one() -> None:
    found = observed(probability=0.2)
    assert feedback_differences(found).min() >= lowest_difference(found) == pytest.approx(-5)


def test_a_value_depends_on_no_later_feedback() -> None:
    found = observed()
    whole, start = feedback_differences(found), feedback_differences(found[:1000])
    assert np.allclose(whole[:1000], start)


def test_amounts_have_the_difference_of_their_means() -> None:
    found = observed(probability=0.5)
    values = amount_differences(found, [o.cost_usd for o in found])
    assert values.mean() == pytest.approx(1.0, abs=0.05)


def test_nothing_observed_is_no_difference() -> None:
    assert len(feedback_differences([])) == 0
    assert len(amount_differences([], [])) == 0
