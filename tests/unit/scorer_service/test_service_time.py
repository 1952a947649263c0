"""The estimate of the time per query from recent batches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.batching.load_shedding import ServiceTimeEstimate

BATCHES = st.lists(st.tuples(st.floats(1e-4, 10), st.integers(1, 64)), min_size=1)


def test_the_first_batch_is_the_whole_estimate() -> None:
    estimate = ServiceTimeEstimate()
    assert estimate.query_s == 0
    estimate.record(busy_s=0.03, queries=30)
    assert estimate.query_s == pytest.approx(0.001)


def test_one_full_batch_outweighs_the_single_queries_before_it() -> None:
    estimate = ServiceTimeEstimate()
    for _ in range(100):
        estimate.record(busy_s=0.003, queries=1)
    assert estimate.query_s == pytest.approx(0.003)
    estimate.record(busy_s=0.032, queries=32)
    assert estimate.query_s < 0.0015


@given(BATCHES)
def test_an_estimate_lies_between_the_fastest_and_the_slowest_batch(
    batches: list[tuple[float, int]],
) -> None:
    estimate = ServiceTimeEstimate()
    for busy_s, queries in batches:
        estimate.record(busy_s, queries)
    each = [busy_s / queries for busy_s, queries in batches]
    assert min(each) * 0.999 <= estimate.query_s <= max(each) * 1.001
