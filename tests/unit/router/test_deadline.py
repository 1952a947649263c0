"""The time left, and shares of it."""

from __future__ import annotations

import time

import pytest

from services.router.engine.engine import MIN_STAGE_S
from services.router.types.deadline import DEADLINE_MARGIN_S, Deadline


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time as the test sets it, in the only place of the list."""
    at_s = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: at_s[0])
    return at_s


def test_the_time_left_runs_out_and_stays_at_nothing(now: list[float]) -> None:
    deadline = Deadline.after(10)
    assert (deadline.at_s, deadline.remaining_s()) == (1_010, 10)
    now[0] += 4
    assert deadline.remaining_s() == 6
    now[0] += 7
    assert deadline.remaining_s() == 0


def test_a_stage_gets_its_share_of_what_is_left_not_of_what_there_was(now: list[float]) -> None:
    deadline = Deadline.after(10)
    now[0] += 6
    assert deadline.share(0.25) == Deadline(1_007.0)
    now[0] += 5
    assert deadline.share(0.25).remaining_s() == 0


def test_the_time_kept_for_sending_an_answer_is_a_small_part_of_the_shortest_stage() -> None:
    assert 0 < DEADLINE_MARGIN_S < MIN_STAGE_S / 2
