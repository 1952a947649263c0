"""Errors for queries that would wait too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.batching.load_shedding import rounded_wait_error, wait_error


def test_an_error_states_the_wait_and_the_time_of_the_next_try() -> None:
    error = wait_error(0.4)
    assert "400 ms" in error.message
    assert error.metadata == {"wait_ms": "400"}
    assert error.retry_delay_s == pytest.approx(0.4)


def test_nobody_is_asked_to_come_back_within_a_quarter_of_a_second() -> None:
    assert wait_error(0.1).retry_delay_s == 0.25


@pytest.mark.parametrize(("wait_s", "wait_ms"), [(0.30, "300"), (0.31, "350"), (0.349, "350")])
def test_similar_waits_have_the_same_error_rounded_up(wait_s: float, wait_ms: str) -> None:
    error = rounded_wait_error(wait_s)
    assert error.metadata == {"wait_ms": wait_ms}
    assert rounded_wait_error(wait_s - 0.0005) is error


@given(st.floats(0.001, 60))
def test_no_error_promises_a_shorter_wait(wait_s: float) -> None:
    retry_delay_s = rounded_wait_error(wait_s).retry_delay_s
    assert retry_delay_s is not None
    assert wait_s - 1e-9 <= retry_delay_s <= max(0.25, wait_s + 0.05)
