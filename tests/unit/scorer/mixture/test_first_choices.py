from __future__ import annotations

import numpy as np

from scorer.mixture.first_choices import best_candidate


def scores(wrong: int) -> np.ndarray:
    """Of two models, of which the first is always right; so many rows prefer the second."""
    preferences = np.tile([0.9, 0.1], (100, 1))
    preferences[:wrong] = [0.1, 0.9]
    return preferences


TARGETS = np.tile([1.0, 0.0], (100, 1))
ONES = np.ones(100)


def test_the_candidate_with_the_best_first_choices_is_taken() -> None:
    assert best_candidate([scores(30), scores(20), scores(5)], TARGETS, ONES) == 2


def test_the_first_stays_unless_another_is_better() -> None:
    assert best_candidate([scores(5), scores(5), scores(20)], TARGETS, ONES) == 0


def test_a_gain_within_its_noise_is_none() -> None:
    # Two models of the same worth: which is right is a coin toss, and so is any gain.
    draw = np.random.default_rng(1)
    targets = np.eye(2)[draw.integers(2, size=400)]
    found = [draw.random((400, 2)) for _ in range(2)]
    gains = [targets[np.arange(400), each.argmax(axis=1)] for each in found]
    difference = gains[1] - gains[0]
    error = difference.std() / 20
    expected = int(difference.mean() > 0.5 * error)
    assert best_candidate(found, targets, np.ones(400)) == expected


def test_weights_decide_which_gains_count() -> None:
    weights = np.where(np.arange(100) < 20, 0.0, 1.0)
    assert best_candidate([scores(20), scores(0)], TARGETS, weights) == 0
    assert best_candidate([scores(20), scores(0)], TARGETS, ONES) == 1


def test_a_few_heavy_rows_are_no_large_sample() -> None:
    # Of 1,000 rows, five heavy ones decide the mean: three are better and two are worse.
    targets = np.tile([1.0, 0.0], (1000, 1))
    before = np.tile([0.9, 0.1], (1000, 1))
    after = before.copy()
    before[:3] = after[3:5] = [0.1, 0.9]
    heavy = np.where(np.arange(1000) < 5, 1e6, 1.0)
    assert best_candidate([before, after], targets, heavy) == 0
    # The same gain on a thousand rows of equal weight is no chance.
    before[:600], before[600:] = [0.1, 0.9], [0.9, 0.1]
    after[:600], after[600:] = [0.9, 0.1], [0.1, 0.9]
    assert best_candidate([before, after], targets, np.ones(1000)) == 1
