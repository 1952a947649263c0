from __future__ import annotations

import numpy as np

from scorer.training.mixture.significance import best_candidate

ONES = np.ones(100)


def outcomes(wrong: int) -> np.ndarray:
    """All of a hundred queries answered well but for the first so many."""
    return (np.arange(100) >= wrong).astype(float)


def test_the_candidate_with_the_best_outcomes_is_taken() -> None:
    assert best_candidate([outcomes(30), outcomes(20), outcomes(5)], ONES) == 2


def test_the_first_stays_unless_another_is_better() -> None:
    assert best_candidate([outcomes(5), outcomes(5), outcomes(20)], ONES) == 0


def test_a_gain_within_its_noise_is_none() -> None:
    # Coin tosses: any gain is chance.
    tosses = np.random.default_rng(1).integers(2, size=(2, 400)).astype(float)
    difference = tosses[1] - tosses[0]
    expected = int(difference.mean() > 0.5 * difference.std() / 20)
    assert best_candidate(list(tosses), np.ones(400)) == expected


def test_weights_decide_which_gains_count() -> None:
    weights = np.where(np.arange(100) < 20, 0.0, 1.0)
    assert best_candidate([outcomes(20), outcomes(0)], weights) == 0
    assert best_candidate([outcomes(20), outcomes(0)], ONES) == 1


def test_a_few_heavy_rows_are_no_large_sample() -> None:
    # Of 1,000 rows, five heavy ones decide the mean: three are better and two are worse.
    before, after = np.ones(1000), np.ones(1000)
    before[:3] = after[3:5] = 0.0
    heavy = np.where(np.arange(1000) < 5, 1e6, 1.0)
    assert best_candidate([before, after], heavy) == 0
    # The same gain on a thousand rows of equal weight is no chance.
    before, after = (np.arange(1000) >= 600).astype(float), (np.arange(1000) < 600).astype(float)
    assert best_candidate([before, after], np.ones(1000)) == 1
