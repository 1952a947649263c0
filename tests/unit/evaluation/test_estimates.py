"""Means and their bootstrap intervals."""

from __future__ import annotations

import random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorer.measures.intervals import Interval
from services.evaluation.report.estimates import (
    estimate_difference,
    estimate_mean,
    estimate_means,
    estimate_saving,
)


def test_values_that_are_all_equal_have_no_spread() -> None:
    assert estimate_mean([0.5] * 7, seed=1) == Interval(mean=0.5, low=0.5, high=0.5)


def test_a_seed_repeats_its_interval_and_another_seed_does_not() -> None:
    values = [0.0, 1.0, 1.0, 0.25, 0.7, 0.9, 0.1]
    assert estimate_mean(values, seed=1) == estimate_mean(values, seed=1)
    assert estimate_mean(values, seed=1) != estimate_mean(values, seed=2)


def test_the_interval_of_a_share_is_near_the_normal_one() -> None:
    # A share of 0.8 in 400 draws has a standard error of 0.02, so the interval is about 0.8 +- 0.039.
    estimate = estimate_mean([1.0] * 320 + [0.0] * 80, seed=0)
    assert estimate.mean == 0.8
    assert estimate.low == pytest.approx(0.761, abs=0.006)
    assert estimate.high == pytest.approx(0.839, abs=0.006)


def test_paired_values_that_differ_by_a_constant_have_a_difference_without_spread() -> None:
    theirs = [random.Random(3).random() for _ in range(20)]
    estimate = estimate_difference([value + 0.25 for value in theirs], theirs, seed=0)
    assert (estimate.mean, estimate.low, estimate.high) == pytest.approx((0.25, 0.25, 0.25))


def test_values_that_are_not_paired_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        estimate_difference([1.0], [1.0, 0.0], seed=0)


def test_columns_share_their_resamples() -> None:
    values = [0.0, 1.0, 1.0, 0.25, 0.7, 0.9, 0.1]
    first, same = estimate_means([values, values], seed=3)
    assert first == same == estimate_mean(values, seed=3)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_interval_lies_within_the_values_and_around_the_mean(values: list[float]) -> None:
    estimate = estimate_mean(values, seed=0)
    assert estimate.mean == fmean(values)
    slack = 1e-9
    assert min(values) - slack <= estimate.low <= estimate.high <= max(values) + slack


def test_a_saving_is_of_the_totals_and_not_of_each_query() -> None:
    saving = estimate_saving([1.0, 1.0, 1.0], [1.0, 4.0, 5.0], seed=1)
    assert saving.mean == pytest.approx(0.7)
    assert saving.low <= saving.mean <= saving.high
