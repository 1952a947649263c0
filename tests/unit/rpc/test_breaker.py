"""A breaker stops calls to a failing dependency, and tries again."""

from __future__ import annotations

from services.rpc.breaker import Breaker


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def open_breaker(clock: Clock) -> Breaker:
    breaker = Breaker(failure_limit=3, open_s=5, clock=clock)
    for _ in range(3):
        breaker.failed()
    return breaker


def test_a_breaker_opens_only_after_failures_in_a_row() -> None:
    breaker = Breaker(failure_limit=3, open_s=5, clock=Clock())
    for _ in range(2):
        breaker.failed()
    breaker.succeeded()
    for _ in range(2):
        breaker.failed()
    assert breaker.allows()
    assert not breaker.is_open
    breaker.failed()
    assert not breaker.allows()
    assert breaker.is_open


def test_one_trial_call_at_a_time_is_let_through_after_the_pause() -> None:
    clock = Clock()
    breaker = open_breaker(clock)
    clock.now_s += 4.9
    assert not breaker.allows()
    clock.now_s += 0.1
    assert breaker.allows()
    assert not breaker.allows()


def test_three_failures_stop_calls_for_five_seconds_if_nothing_else_is_set() -> None:
    clock = Clock()
    breaker = Breaker(clock=clock)
    for _ in range(2):
        breaker.failed()
    assert breaker.allows()
    breaker.failed()
    clock.now_s += 4.9
    assert not breaker.allows()
    clock.now_s += 0.2
    assert breaker.allows()


def test_a_trial_that_succeeds_closes_the_breaker() -> None:
    clock = Clock()
    breaker = open_breaker(clock)
    clock.now_s += 5
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.allows()
    assert breaker.allows()


def test_a_trial_that_fails_keeps_it_open_for_another_pause() -> None:
    clock = Clock()
    breaker = open_breaker(clock)
    clock.now_s += 5
    assert breaker.allows()
    clock.now_s += 1
    breaker.failed()
    clock.now_s += 4.9
    assert not breaker.allows()
    clock.now_s += 0.1
    assert breaker.allows()


def test_a_trial_whose_end_is_never_reported_does_not_block_the_next() -> None:
    clock = Clock()
    breaker = open_breaker(clock)
    clock.now_s += 5
    assert breaker.allows()
    clock.now_s += 5
    assert breaker.allows()
