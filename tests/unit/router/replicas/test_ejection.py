"""The ejection of a replica, its length, and the way back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.replicas.config import EjectionSettings
from services.router.backends.replicas.ejection import Ejection
from tests.unit.router.replicas.clock import Clock

SETTINGS = EjectionSettings(failure_count=3, base_s=2.0, max_s=60.0)


def ejected(clock: Clock) -> Ejection:
    ejection = Ejection(settings=SETTINGS, clock=clock, draw=lambda: 0.5)
    assert [ejection.failed(may_eject=True) for _ in range(3)] == [False, False, True]
    return ejection


def test_only_failures_in_a_row_eject() -> None:
    ejection = Ejection(settings=SETTINGS, clock=Clock())
    for _ in range(10):
        ejection.failed(may_eject=True)
        ejection.failed(may_eject=True)
        ejection.succeeded()
    assert ejection.serves


def test_a_trial_comes_due_and_its_first_text_brings_the_replica_back() -> None:
    clock = Clock()
    ejection = ejected(clock)
    clock.now_s += 2.1  # the jitter is a tenth here
    due = [ejection.trial_due]
    clock.now_s += 0.2
    due.append(ejection.trial_due)
    ejection.begin_trial()
    assert [*due, ejection.trial_due] == [False, True, False]
    ejection.began()
    assert ejection.serves
    assert ejection.failed(may_eject=True)  # on probation: one more is enough


def test_after_a_whole_reply_failures_count_anew() -> None:
    clock = Clock()
    ejection = ejected(clock)
    clock.now_s += 3
    ejection.begin_trial()
    ejection.succeeded()
    assert not ejection.failed(may_eject=True)


def test_each_trial_that_fails_doubles_the_time_up_to_the_most() -> None:
    clock = Clock()
    ejection = ejected(clock)
    lengths = []
    for _ in range(8):
        began_s = clock.now_s
        while not ejection.trial_due:
            clock.now_s += 0.1
        lengths.append(clock.now_s - began_s)
        ejection.begin_trial()
        assert ejection.failed(may_eject=True)
    assert [round(length / 1.1) for length in lengths] == [2, 4, 8, 16, 32, 60, 60, 60]


def length_s(ejection: Ejection, clock: Clock) -> float:
    """Waits for the trial; returns how long that took, without the jitter."""
    began_s = clock.now_s
    while not ejection.trial_due:
        clock.now_s += 0.1
    return round((clock.now_s - began_s) / 1.1)


def test_a_replica_that_never_failed_before_is_left_alone_for_the_least_time() -> None:
    clock = Clock()
    clock.now_s = 0.0
    assert length_s(ejected(clock), clock) == 2


@pytest.mark.parametrize(("served_s", "again_s"), [(1, 4), (60, 4), (61, 2)])
def test_only_a_replica_that_served_for_long_is_trusted_as_before(
    served_s: float, again_s: float
) -> None:
    clock = Clock()
    ejection = ejected(clock)
    length_s(ejection, clock)
    clock.now_s = 200.0
    ejection.begin_trial()
    ejection.succeeded()
    clock.now_s += served_s
    assert [ejection.failed(may_eject=True) for _ in range(3)] == [False, False, True]
    assert length_s(ejection, clock) == again_s


def test_a_reply_that_begins_is_no_trial_where_none_was_due() -> None:
    clock = Clock()
    fresh, recovered = Ejection(settings=SETTINGS, clock=clock), ejected(clock)
    clock.now_s += 3
    recovered.begin_trial()
    recovered.succeeded()
    for ejection in (fresh, recovered):
        ejection.began()
        assert not ejection.failed(may_eject=True)


def test_calls_that_fail_after_the_trial_did_do_not_lengthen_it() -> None:
    clock = Clock()
    ejection = ejected(clock)
    clock.now_s += 3
    ejection.begin_trial()
    assert ejection.failed(may_eject=True)
    assert not ejection.failed(may_eject=True)
    assert length_s(ejection, clock) == 4


def test_calls_that_were_under_way_do_not_lengthen_it() -> None:
    clock = Clock()
    ejection = ejected(clock)
    assert [ejection.failed(may_eject=True) for _ in range(20)] == [False] * 20
    clock.now_s += 2.3
    assert ejection.trial_due


def test_a_trial_whose_end_is_never_reported_blocks_none_for_long() -> None:
    clock = Clock()
    ejection = ejected(clock)
    clock.now_s += 3
    ejection.begin_trial()
    clock.now_s += 2
    assert ejection.trial_due


@given(st.lists(st.sampled_from(["failed", "began", "succeeded", "trial", "wait"]), max_size=100))
def test_it_either_serves_or_comes_due(steps: list[str]) -> None:
    clock = Clock()
    ejection = Ejection(settings=SETTINGS, clock=clock, draw=lambda: 0.0)
    for step in steps:
        if step == "failed":
            ejection.failed(may_eject=True)
        elif step == "began":
            ejection.began()
        elif step == "succeeded":
            ejection.succeeded()
        elif step == "trial" and ejection.trial_due:
            ejection.begin_trial()
        else:
            clock.now_s += 1
    clock.now_s += SETTINGS.max_s
    assert ejection.serves or ejection.trial_due
