"""The bounds of a mean hold at all times together."""

from __future__ import annotations

import math

import numpy as np

from scorer.measures.confidence_sequence import mean_bounds

RUNS = 200
COUNT = 2000


def test_the_mean_is_seldom_ever_outside() -> None:
    misses = 0
    for seed in range(RUNS):
        values = np.random.default_rng(seed).exponential(size=COUNT)
        looks = [mean_bounds(values[:n], level=0.05) for n in range(200, COUNT, 100)]
        misses += any(not low <= 1.0 <= high for low, high in looks)
    assert misses / RUNS <= 0.05


def test_more_values_make_the_bounds_narrower() -> None:
    values = np.random.default_rng(0).normal(size=COUNT)
    widths = [
        high - low for low, high in (mean_bounds(values[:n], level=0.05) for n in (100, 400, COUNT))
    ]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.2


def test_fewer_than_two_values_say_nothing() -> None:
    assert mean_bounds(np.array([1.0]), level=0.05) == (-math.inf, math.inf)
