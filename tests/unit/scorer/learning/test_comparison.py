"""Comparing a corrected scorer with the serving one on logged choices."""

from __future__ import annotations

import numpy as np
import pytest

from scorer.learning.comparison import Logged, compare
from scorer.measures.benefit import Verdict

SERVING = np.tile([2.0, 1.0], (2_000, 1))
OTHER = SERVING[:, ::-1]


def logged(success: tuple[float, float], *, explored: float, seed: int = 0) -> Logged:
    """Returns choices of the first model, but for a share that tried the second one."""
    draw = np.random.default_rng(seed)
    choices = (draw.random(len(SERVING)) < explored).astype(np.intp)
    values = (draw.random(len(SERVING)) < np.array(success)[choices]).astype(float)
    return Logged(
        choices=choices,
        values=values,
        propensities=np.where(choices == 1, explored, 1 - explored),
    )


def test_the_same_choices_make_no_difference() -> None:
    found = compare(SERVING, SERVING, logged((0.5, 0.5), explored=0.1))
    assert found.changed_share == 0
    assert (found.gain.low, found.gain.mean, found.gain.high) == (0, 0, 0)
    assert found.verdict is Verdict.UNCLEAR


@pytest.mark.parametrize(
    ("success", "verdict"), [((0.4, 0.8), Verdict.BETTER), ((0.8, 0.4), Verdict.WORSE)]
)
def test_rare_choices_are_weighted_up_by_their_propensity(
    success: tuple[float, float], verdict: Verdict
) -> None:
    found = compare(SERVING, OTHER, logged(success, explored=0.1))
    assert found.verdict is verdict
    assert found.gain.low < success[1] - success[0] < found.gain.high


def test_a_choice_that_nobody_tried_is_no_gain() -> None:
    scores = np.tile([0.6, 0.5], (2_000, 1))
    found = compare(scores, scores[:, ::-1], logged((0.6, 0.5), explored=0.0))
    assert found.verdict is not Verdict.BETTER
