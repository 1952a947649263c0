"""What recent batches say of the next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.batching.service_time import Pace

BATCHES = st.lists(st.tuples(st.floats(1e-4, 10), st.integers(1, 64)), min_size=1)


def test_the_first_batch_says_it_all() -> None:
    pace = Pace()
    assert pace.query_s == 0
    pace.note(busy_s=0.03, queries=30)
    assert pace.query_s == pytest.approx(0.001)


def test_one_full_batch_outweighs_the_lone_queries_before_it() -> None:
    pace = Pace()
    for _ in range(100):
        pace.note(busy_s=0.003, queries=1)
    assert pace.query_s == pytest.approx(0.003)
    pace.note(busy_s=0.032, queries=32)
    assert pace.query_s < 0.0015


@given(BATCHES)
def test_a_pace_lies_between_the_fastest_and_the_slowest_batch(
    batches: list[tuple[float, int]],
) -> None:
    pace = Pace()
    for busy_s, queries in batches:
        pace.note(busy_s, queries)
    each = [busy_s / queries for busy_s, queries in batches]
    assert min(each) * 0.999 <= pace.query_s <= max(each) * 1.001
