"""The expected latency of a replica, and the quantile that starts hedges."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.replicas.first_token_latency import LatencyAverage, LatencyQuantile
from tests.unit.router.replicas.clock import Clock

TIMES = st.lists(st.floats(0.001, 100), min_size=1, max_size=500)


@given(samples=TIMES)
def test_the_quantile_is_that_of_the_last_200(samples: list[float]) -> None:
    quantile = LatencyQuantile()
    for sample in samples:
        quantile.observe(sample)
    recent = sorted(samples[-200:])
    expected = recent[int(len(recent) * 0.95)] if len(recent) >= 20 else None
    assert quantile.value_s == expected


def test_there_is_a_quantile_from_twenty_samples_on_and_one_in_twenty_lies_above_it() -> None:
    quantile = LatencyQuantile()
    values_s = []
    for sample in range(1, 101):
        quantile.observe(float(sample))
        values_s.append(quantile.value_s)
    assert values_s[:20] == [None] * 19 + [20]
    assert values_s[99] == 96


def test_the_oldest_of_201_samples_is_forgotten() -> None:
    quantile = LatencyQuantile()
    for sample in range(201):
        quantile.observe(float(sample))
    assert quantile.value_s == 191  # of 1 to 200


def test_a_sample_counts_about_a_third_after_ten_seconds() -> None:
    clock = Clock()
    average = LatencyAverage(clock=clock)
    average.observe(1.0)
    clock.now_s += 10
    third = math.exp(-1)
    assert average.expected_s == pytest.approx(third)
    average.observe(3.0)
    assert average.known == pytest.approx(third + 3 * (1 - third))


@given(steps=st.lists(st.tuples(st.floats(0.001, 100), st.floats(0, 30)), min_size=1))
def test_an_average_lies_within_its_samples(steps: list[tuple[float, float]]) -> None:
    clock = Clock()
    average = LatencyAverage(clock=clock)
    for sample, pause_s in steps:
        average.observe(sample)
        clock.now_s += pause_s
    assert average.known is not None
    samples = [sample for sample, _ in steps]
    assert min(samples) * 0.999 <= average.known <= max(samples) * 1.001


def test_what_is_expected_fades_while_nothing_is_heard() -> None:
    clock = Clock()
    average = LatencyAverage(clock=clock)
    assert average.expected_s is None
    average.observe(5.0)
    assert average.expected_s == pytest.approx(5.0)
    clock.now_s += 60
    assert average.expected_s == pytest.approx(0.0, abs=0.02)
    average.observe(1.0)
    assert average.known == pytest.approx(1.0, abs=0.02)
