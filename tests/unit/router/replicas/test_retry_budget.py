"""Extra attempts stay a share of the calls, whatever the order in which they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.replicas.retry_budget import WINDOW_S, RetryBudget
from tests.unit.router.replicas.clock import Clock

STEPS = st.lists(st.tuples(st.booleans(), st.floats(0, 10)), max_size=200)


@given(steps=STEPS, share=st.floats(0, 1), floor=st.integers(0, 10))
def test_what_is_allowed_is_never_more_than_the_share_or_the_floor(
    steps: list[tuple[bool, float]], share: float, floor: int
) -> None:
    clock = Clock()
    budget = RetryBudget(share=share, floor=floor, clock=clock)
    calls: list[float] = []
    extra: list[float] = []
    for is_call, pause_s in steps:
        clock.now_s += pause_s
        if is_call:
            budget.record_call()
            calls.append(clock.now_s)
        elif budget.take():
            extra.append(clock.now_s)
            # Slices make the window longer than it says by one slice at most.
            since_s = clock.now_s - WINDOW_S * 1.1
            counted = sum(at_s >= since_s for at_s in calls)
            recent = sum(at_s > clock.now_s - WINDOW_S for at_s in extra)
            assert recent <= max(floor, share * counted) + 1e-9


def test_without_any_call_nothing_is_allowed_but_the_floor() -> None:
    assert not RetryBudget(share=1.0, clock=Clock()).take()
    budget = RetryBudget(share=1.0, floor=2, clock=Clock())
    assert [budget.take() for _ in range(3)] == [True, True, False]


def test_a_call_counts_for_half_a_minute_and_the_slice_of_three_seconds_that_it_is_in() -> None:
    def allowed(*calls_at_s: float, now_s: float) -> int:
        clock = Clock()
        budget = RetryBudget(share=1.0, clock=clock)
        start_s = clock.now_s
        for at_s in calls_at_s:
            clock.now_s = start_s + at_s
            budget.record_call()
        clock.now_s = start_s + now_s
        return [budget.take() for _ in range(5)].count(True)

    assert allowed(0, 1, now_s=32.9) == 2
    assert allowed(0, 1, now_s=33) == 0
    assert allowed(0, 3, now_s=33) == 1  # the second begins a slice of its own
    assert allowed(0, 10, now_s=34) == 1
    assert allowed(0, 10, now_s=43) == 0


def test_calls_are_forgotten_after_the_window() -> None:
    clock = Clock()
    budget = RetryBudget(share=0.5, clock=clock)
    for _ in range(10):
        budget.record_call()
    assert [budget.take() for _ in range(6)] == [True] * 5 + [False]
    clock.now_s += WINDOW_S * 1.2
    assert not budget.take()
    for _ in range(2):
        budget.record_call()
    assert budget.take()
