from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.pool.expected_latency import HALF_LIFE_S, ExpectedLatencies, RecentValues
from services.router.pool.model import PoolModel
from services.router.pool.pool import ModelSet
from services.router.types.ledger import AttemptKind, CallPurpose, CallStatus, LedgerEntry

MODEL = PoolModel(
    id="m",
    url="http://localhost/v1",  # type: ignore[arg-type]  # pydantic reads it
    prompt_price_usd_per_million_tokens=1,
    completion_price_usd_per_million_tokens=1,
    context_window_tokens=8192,
    median_latency_s=4.0,
)
durations = st.lists(st.floats(0.01, 100), min_size=1, max_size=100)


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Bench:
    def __init__(self, *, learns: bool = True) -> None:
        self.clock = Clock()
        self.latencies = ExpectedLatencies(learns=learns, clock=self.clock)

    def call(
        self,
        duration_s: float,
        status: CallStatus = CallStatus.OK,
        purpose: CallPurpose = CallPurpose.ANSWER,
        kind: AttemptKind = AttemptKind.FIRST,
    ) -> None:
        entry = LedgerEntry(
            model_id="m",
            purpose=purpose,
            attempt_kind=kind,
            status=status,
            layer_number=1,
            prompt_tokens=1,
            completion_tokens=1,
            cost_usd=0.0,
            estimated=False,
            duration_s=duration_s,
            time_to_first_token_s=None,
        )
        self.latencies.record(entry, MODEL)

    @property
    def expected_s(self) -> float:
        return self.latencies.expected_s(ModelSet([MODEL]))["m"]


def test_the_pools_median_stands_until_calls_outweigh_it() -> None:
    bench = Bench()
    assert bench.expected_s == 4.0
    expected = []
    for _ in range(40):
        bench.call(1.0)
        expected.append(bench.expected_s)
    assert expected == sorted(expected, reverse=True)
    assert expected[4] == pytest.approx((5 * 4 + 5 * 1) / 10)
    assert expected[-1] < 1.5


def test_the_pools_median_returns_when_the_calls_are_long_past() -> None:
    bench = Bench()
    for _ in range(5):
        bench.call(1.0)
    bench.clock.now_s += HALF_LIFE_S
    assert bench.expected_s == pytest.approx((5 * 4 + 2.5 * 1) / 7.5)
    bench.clock.now_s += 100 * HALF_LIFE_S
    assert bench.expected_s == pytest.approx(4.0)


def test_the_pools_median_stands_for_good_where_latency_is_not_learned() -> None:
    bench = Bench(learns=False)
    for _ in range(100):
        bench.call(1.0)
    assert bench.expected_s == 4.0


def test_a_heavy_tail_counts_and_one_outlier_does_not() -> None:
    steady, outlier, heavy = Bench(), Bench(), Bench()
    for number in range(60):
        steady.call(1.0)
        outlier.call(50.0 if number == 30 else 1.0)
        heavy.call(10.0 if number % 10 == 0 else 1.0)
    assert outlier.expected_s == pytest.approx(steady.expected_s)
    assert heavy.expected_s > steady.expected_s + 1


def test_a_model_that_became_slow_is_known_to_be() -> None:
    bench = Bench()
    for _ in range(60):
        bench.call(1.0)
    bench.clock.now_s += 5 * HALF_LIFE_S
    for _ in range(10):
        bench.call(9.0)
    assert bench.expected_s > 6


@pytest.mark.parametrize("status", [CallStatus.CANCELLED, CallStatus.TIMEOUT])
def test_a_call_that_was_cut_off_can_only_raise_what_is_expected(status: CallStatus) -> None:
    bench = Bench()
    bench.call(1.0, status)
    assert bench.expected_s == 4.0
    for _ in range(20):
        bench.call(30.0, status)
    assert bench.expected_s > 20


def test_a_call_cut_off_at_what_was_expected_says_nothing() -> None:
    cut, fresh = Bench(), Bench()
    cut.call(4.0, CallStatus.TIMEOUT)
    for bench in (cut, fresh):
        bench.call(1.0)
    assert cut.expected_s == fresh.expected_s


def test_the_rest_of_a_reply_that_was_resumed_says_nothing_of_a_whole_one() -> None:
    bench = Bench()
    bench.call(0.5, kind=AttemptKind.RESUME)
    assert bench.expected_s == 4.0


@pytest.mark.parametrize("status", [status for status in CallStatus if status is not CallStatus.OK])
def test_failures_make_no_model_look_fast(status: CallStatus) -> None:
    bench = Bench()
    bench.call(0.001, status)
    assert bench.expected_s == 4.0


def test_only_proposals_count() -> None:
    bench = Bench()
    bench.call(99.0, purpose=CallPurpose.AGGREGATION)
    assert bench.expected_s == 4.0


@given(durations)
def test_what_is_expected_lies_between_the_pools_median_and_what_was_seen(
    seen: list[float],
) -> None:
    bench = Bench()
    for duration_s in seen:
        bench.call(duration_s)
    assert min([4.0, *seen]) - 1e-9 <= bench.expected_s <= max([4.0, *seen]) + 1e-9


@given(durations, st.floats(1, 10))
def test_slower_calls_never_make_a_model_look_faster(seen: list[float], factor: float) -> None:
    fast, slow = Bench(), Bench()
    for duration_s in seen:
        fast.call(duration_s)
        slow.call(duration_s * factor)
    assert slow.expected_s >= fast.expected_s - 1e-9


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=30))
def test_quantiles_are_values_in_rising_order(arrivals: list[tuple[float, float]]) -> None:
    values, now_s = RecentValues(half_life_s=10, size=20), 0.0
    for value, pause_s in arrivals:
        now_s += pause_s
        values.add(value, now_s)
    kept = [value for value, _ in arrivals][-20:]
    found = list(values.quantiles(0.05, 0.5, 0.95))
    assert found == sorted(found)
    assert set(found) <= set(kept)
    assert 0 < values.weight(now_s) <= len(kept) + 1e-9


def test_old_values_lose_their_say_in_the_median() -> None:
    values = RecentValues(half_life_s=1)
    for _ in range(10):
        values.add(1.0, 0.0)
    values.add(9.0, 0.0)
    assert values.quantiles(0.5) == (1.0,)
    values.add(9.0, 10.0)
    assert values.quantiles(0.5) == (9.0,)


def test_a_value_counts_half_as_much_after_a_half_life() -> None:
    values = RecentValues(half_life_s=10)
    for _ in range(3):
        values.add(1.0, 0.0)
    values.add(9.0, 10.0)  # three halves against one
    assert values.quantiles(0.5) == (1.0,)
    assert values.weight(10.0) == pytest.approx(2.5)
    values.add(9.0, 20.0)  # three quarters against one and a half
    assert values.quantiles(0.5) == (9.0,)


def test_there_is_no_quantile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        RecentValues(half_life_s=1).quantiles(0.5)
