"""What grows is told from what only varies."""

from __future__ import annotations

import numpy as np
import pytest

from tests.load.trend import trend

TIMES_S = np.arange(600.0)


def noise(seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Returns what is alike from one second to the next, as memory is."""
    steps = np.random.default_rng(seed).normal(size=len(TIMES_S) + 20)
    return np.convolve(steps, np.ones(5) / 5, mode="valid")[: len(TIMES_S)]


def test_growth_is_found_and_measured() -> None:
    found = trend(TIMES_S, 100 + TIMES_S / 3600 * 60 + noise(0))
    assert not found.is_level
    assert found.low < 60 < found.high
    assert found.per_hour == pytest.approx(60, abs=10)


def test_what_only_varies_is_level_nearly_always() -> None:
    assert sum(trend(TIMES_S, noise(seed)).is_level for seed in range(40)) >= 33


def test_what_does_not_vary_is_level() -> None:
    found = trend(TIMES_S, np.full(len(TIMES_S), 7.0))
    assert found.is_level
    assert found.per_hour == pytest.approx(0)
