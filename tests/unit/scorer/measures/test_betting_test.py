"""The sequential test passes seldom without a difference, and nearly as often as one test with one."""

from __future__ import annotations

import numpy as np
import pytest

from scorer.measures.betting_test import BettingTest, betting_test

LEVEL = 0.05
HORIZON = 1000
RUNS = 300


def differences(mean: float, seed: int) -> list[float]:
    """Returns differences of -1, 0 and 1, four fifths of them 0."""
    draw = np.random.default_rng(seed)
    nonzero = draw.random(HORIZON) < 0.2
    up = draw.random(HORIZON) < (1 + mean / 0.2) / 2
    return [float(value) for value in np.where(nonzero, np.where(up, 1.0, -1.0), 0.0)]


def run(values: list[float], first_look: int = 0) -> BettingTest:
    return betting_test(values, lowest=-1, level=LEVEL, horizon=HORIZON, first_look=first_look)


def passed_share(mean: float) -> float:
    return float(np.mean([run(differences(mean, seed)).passed for seed in range(RUNS)]))


def test_a_mean_of_zero_passes_at_most_as_often_as_the_level_says() -> None:
    error = (LEVEL * (1 - LEVEL) / RUNS) ** 0.5
    assert passed_share(0.0) <= LEVEL + 2 * error


def test_a_mean_below_zero_never_passes() -> None:
    assert passed_share(-0.04) == 0


def test_a_mean_above_zero_passes_nearly_as_often_as_in_one_test_at_the_horizon() -> None:
    # The mean is 3.5 standard errors, which one test at this level finds in 97 % of the runs.
    mean = 3.5 * (0.2 / HORIZON) ** 0.5
    assert passed_share(mean) > 0.9


def test_nothing_passes_before_the_first_look() -> None:
    clear = [1.0] * HORIZON
    sooner = next(n for n in range(1, HORIZON) if run(clear[:n]).passed)
    assert sooner < 100
    assert not run(clear[:199], first_look=200).passed
    assert run(clear[:200], first_look=200).passed


def test_nothing_is_tested_beyond_the_horizon() -> None:
    assert not run([0.0] * HORIZON + [1.0] * HORIZON).passed


@pytest.mark.parametrize("lowest", [-1.0, -10.0])
def test_the_wealth_stays_above_zero_whatever_happens(lowest: float) -> None:
    result = betting_test([lowest] * 50, lowest=lowest, level=LEVEL, horizon=60)
    assert 0 < result.wealth < 1
