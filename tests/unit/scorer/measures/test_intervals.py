from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from scorer.measures import intervals
from scorer.measures.intervals import bootstrap_means, interval


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    draw = np.random.default_rng(1)
    covered = 0
    for trial in range(300):
        outcomes = (draw.random((120, 1)) < 0.3).astype(float)
        means = bootstrap_means(outcomes, ["all"] * 120, seed=trial, resamples=400)
        found = interval(float(outcomes.mean()), means[:, 0])
        covered += found.low <= 0.3 <= found.high
    assert 0.90 <= covered / 300 <= 0.985


def test_the_difference_of_two_columns_is_paired() -> None:
    draw = np.random.default_rng(2)
    ours = draw.random(500)
    means = bootstrap_means(np.stack([ours, ours - 0.1], axis=1), ["all"] * 500, seed=1)
    found = interval(0.1, means[:, 0] - means[:, 1])
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))


def test_every_stratum_counts_the_same() -> None:
    outcomes = np.array([[1.0], [1.0], [0.0], [0.0], [0.0], [0.0]])
    means = bootstrap_means(outcomes, ["a", "a", "b", "b", "b", "b"], seed=1, resamples=50)
    assert means == pytest.approx(np.full((50, 1), 0.5))


def test_a_weight_counts_within_its_stratum() -> None:
    outcomes = np.array([[1.0], [0.0], [0.3]])
    means = bootstrap_means(
        outcomes, ["a", "a", "b"], seed=1, weights=np.array([3.0, 1.0, 9.0]), resamples=4000
    )
    # One of four draws of the first stratum is all its first query, one all its second.
    expected = 0.5 * (0.25 + 0.5 * 0.75) + 0.5 * 0.3
    assert float(means.mean()) == pytest.approx(expected, abs=0.01)


def test_the_spread_is_that_of_theory() -> None:
    outcomes = np.random.default_rng(4).normal(size=(400, 2))
    means = bootstrap_means(outcomes, ["all"] * 400, seed=1)
    assert means.std(axis=0) == pytest.approx(outcomes.std(axis=0) / 20, rel=0.05)


def test_no_more_is_drawn_at_a_time_than_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "CHUNK_CELLS", 30_000)
    tracemalloc.start()
    bootstrap_means(np.ones((300, 1)), ["all"] * 300, seed=1, resamples=5_000)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 5_000_000  # all of them at once would be 12 MB, several times


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = np.random.default_rng(5).random((30, 2))
    whole = bootstrap_means(outcomes, ["all"] * 30, seed=1, resamples=100)
    monkeypatch.setattr(intervals, "CHUNK_CELLS", 64)
    assert bootstrap_means(outcomes, ["all"] * 30, seed=1, resamples=100) == pytest.approx(whole)
