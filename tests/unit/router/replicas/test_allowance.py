"""Extra attempts stay a share of the calls, whatever the order in which they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.replicas.retry_budget import WINDOW_S, Allowance
from tests.unit.router.replicas.clock import Clock

STEPS = st.lists(st.tuples(st.booleans(), st.floats(0, 10)), max_size=200)


@given(steps=STEPS, share=st.floats(0, 1), floor=st.integers(0, 10))
def test_what_is_allowed_is_never_more_than_the_share_or_the_floor(
    steps: list[tuple[bool, float]], share: float, floor: int
) -> None:
    clock = Clock()
    allowance = Allowance(share=share, floor=floor, clock=clock)
    calls: list[float] = []
    extra: list[float] = []
    for is_call, pause_s in steps:
        clock.now_s += pause_s
        if is_call:
            allowance.note_call()
            calls.append(clock.now_s)
        elif allowance.take():
            extra.append(clock.now_s)
            # Slices make the window longer than it says by one slice at most.
            since_s = clock.now_s - WINDOW_S * 1.1
            counted = sum(at_s >= since_s for at_s in calls)
            recent = sum(at_s > clock.now_s - WINDOW_S for at_s in extra)
            assert recent <= max(floor, share * counted) + 1e-9


def test_calls_are_forgotten_after_the_window() -> None:
    clock = Clock()
    allowance = Allowance(share=0.5, clock=clock)
    for _ in range(10):
        allowance.note_call()
    assert [allowance.take() for _ in range(6)] == [True] * 5 + [False]
    clock.now_s += WINDOW_S * 1.2
    assert not allowance.take()
    for _ in range(2):
        allowance.note_call()
    assert allowance.take()
