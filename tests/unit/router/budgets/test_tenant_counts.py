"""A tenant's refusals and their ends, and holds that nobody settles."""

from __future__ import annotations

import time

from services.router.budgets.memory_store import MemoryStore, TenantCounts
from services.router.budgets.store import Hold, TenantUsage
from services.router.types.amounts import NOTHING, Amount, Caps, TenantLimits, Window

NOW_MS = 1_800_000_000_000  # 08:00:00 in UTC
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
LEASE_MS = 5_000
NO_LIMITS = TenantLimits()


def hold(name: str, calls: int = 1, *, answers: int = 0) -> Hold:
    return Hold(id=name, amount=Amount(calls, 10 * calls, 100 * calls), answers=answers)


def calls_in(usage: TenantUsage) -> dict[str, int]:
    return {window.key: amount.calls for window, amount in usage.windows.items()}


def per_minute(calls: int) -> TenantLimits:
    return TenantLimits(windows={Window.PER_MINUTE: Caps(calls=calls)})


def test_what_is_held_and_then_used_counts_in_every_window() -> None:
    counts = TenantCounts()
    admission = counts.reserve(NOW_MS, NO_LIMITS, [hold("a", 3, answers=1)], LEASE_MS)
    assert (admission.count, admission.at_ms, admission.refusal) == (1, NOW_MS, None)
    held = counts.usage(NOW_MS)
    assert (held.answers, held.held) == (1, Amount(3, 30, 300))
    assert held.windows == dict.fromkeys(Window, Amount(3, 30, 300))
    counts.settle(NOW_MS + 1, "a", NOW_MS, Amount(2, 15, 100))
    used = counts.usage(NOW_MS + 1)
    assert (used.answers, used.held) == (0, NOTHING)
    assert used.windows == dict.fromkeys(Window, Amount(2, 15, 100))


def test_each_window_forgets_when_its_time_is_over() -> None:
    counts = TenantCounts()
    counts.reserve(NOW_MS, NO_LIMITS, [hold("a", 3)], LEASE_MS)
    counts.settle(NOW_MS, "a", NOW_MS, Amount(3, 0, 0))
    assert calls_in(counts.usage(NOW_MS + MINUTE_MS - 1)) == {
        "per_minute": 3,
        "per_hour": 3,
        "per_day": 3,
    }
    assert calls_in(counts.usage(NOW_MS + MINUTE_MS)) == {
        "per_minute": 0,
        "per_hour": 3,
        "per_day": 3,
    }
    assert calls_in(counts.usage(NOW_MS + HOUR_MS))["per_hour"] == 0
    assert calls_in(counts.usage(NOW_MS + 16 * HOUR_MS))["per_day"] == 0  # midnight


def test_what_is_settled_late_counts_only_in_the_windows_in_which_it_was_held() -> None:
    counts = TenantCounts()
    counts.reserve(NOW_MS, NO_LIMITS, [hold("a", 3)], 10 * MINUTE_MS)
    counts.settle(NOW_MS + MINUTE_MS, "a", NOW_MS, Amount(1, 0, 0))
    assert calls_in(counts.usage(NOW_MS + MINUTE_MS)) == {
        "per_minute": 0,
        "per_hour": 1,
        "per_day": 1,
    }


def test_a_hold_that_is_never_settled_ends_with_its_lease() -> None:
    counts = TenantCounts()
    counts.reserve(NOW_MS, NO_LIMITS, [hold("a", 3, answers=1)], LEASE_MS)
    assert counts.usage(NOW_MS + LEASE_MS - 1).held.calls == 3
    ended = counts.usage(NOW_MS + LEASE_MS)
    assert (ended.answers, ended.held) == (0, NOTHING)
    assert calls_in(ended)["per_minute"] == 0


def test_holds_end_each_at_its_own_time() -> None:
    counts = TenantCounts()
    for name, lease_ms in (("long", 9_000), ("short", 2_000), ("middle", 5_000)):
        counts.reserve(NOW_MS, NO_LIMITS, [hold(name)], lease_ms)
    held = [counts.usage(NOW_MS + at_ms).held.calls for at_ms in (1_999, 2_000, 5_000, 9_000)]
    assert held == [3, 2, 1, 0]


def test_what_was_used_by_a_hold_that_had_ended_is_counted_all_the_same() -> None:
    counts = TenantCounts()
    counts.reserve(NOW_MS, NO_LIMITS, [hold("a", 3)], LEASE_MS)
    counts.settle(NOW_MS + 2 * LEASE_MS, "a", NOW_MS, Amount(2, 0, 0))
    usage = counts.usage(NOW_MS + 2 * LEASE_MS)
    assert (usage.held, calls_in(usage)["per_minute"]) == (NOTHING, 2)


def test_what_was_used_by_a_hold_that_is_not_known_any_more_is_counted_too() -> None:
    counts = TenantCounts()
    counts.settle(NOW_MS, "of a store before this one", NOW_MS, Amount(2, 0, 0))
    assert calls_in(counts.usage(NOW_MS))["per_minute"] == 2


def test_a_clock_that_goes_back_opens_no_window_twice() -> None:
    counts = TenantCounts()
    counts.reserve(NOW_MS, NO_LIMITS, [hold("a", 3)], LEASE_MS)
    earlier = counts.reserve(NOW_MS - DAY_MS, NO_LIMITS, [hold("b", 1)], LEASE_MS)
    assert earlier.at_ms == NOW_MS
    assert calls_in(counts.usage(NOW_MS - DAY_MS))["per_minute"] == 4


def test_as_many_holds_are_made_as_fit_in_their_order() -> None:
    counts = TenantCounts()
    asked = [hold("a"), hold("b"), hold("c")]
    admission = counts.reserve(NOW_MS, per_minute(2), asked, LEASE_MS)
    assert admission.count == 2
    assert admission.refusal is not None
    assert counts.usage(NOW_MS).held.calls == 2


def test_a_window_that_is_spent_is_worth_another_try_when_it_begins_anew() -> None:
    counts, limits = TenantCounts(), per_minute(2)
    counts.reserve(NOW_MS, limits, [hold("a", 2)], LEASE_MS)
    counts.settle(NOW_MS, "a", NOW_MS, Amount(2, 0, 0))
    refusal = counts.reserve(NOW_MS + 20_000, limits, [hold("b")], LEASE_MS).refusal
    assert refusal is not None
    assert refusal.limit == "per_minute.calls"
    assert (refusal.resets_at_ms, refusal.retry_after_ms) == (NOW_MS + MINUTE_MS, 40_000)


def test_where_only_holds_are_in_the_way_a_second_is_enough() -> None:
    counts, limits = TenantCounts(), per_minute(2)
    counts.reserve(NOW_MS, limits, [hold("a", 2)], LEASE_MS)
    refusal = counts.reserve(NOW_MS, limits, [hold("b")], LEASE_MS).refusal
    assert refusal is not None
    assert refusal.retry_after_ms == 1_000


def test_what_no_window_could_ever_hold_is_not_worth_another_try() -> None:
    refusal = TenantCounts().reserve(NOW_MS, per_minute(2), [hold("a", 3)], LEASE_MS).refusal
    assert refusal is not None
    assert refusal.retry_after_ms is None


def test_of_two_windows_that_are_full_the_one_with_the_longer_wait_is_named() -> None:
    counts = TenantCounts()
    limits = TenantLimits(windows={window: Caps(calls=1) for window in Window})
    counts.reserve(NOW_MS, limits, [hold("a")], LEASE_MS)
    refusal = counts.reserve(NOW_MS, limits, [hold("b")], LEASE_MS).refusal
    assert refusal is not None
    assert refusal.limit == "per_day.calls"


def test_only_what_takes_a_place_is_refused_for_want_of_one() -> None:
    counts, limits = TenantCounts(), TenantLimits(concurrent_answers=2)
    two = [hold("a", answers=1), hold("b", answers=1)]
    assert counts.reserve(NOW_MS, limits, two, LEASE_MS).count == 2
    assert counts.reserve(NOW_MS, limits, [hold("call")], LEASE_MS).count == 1
    refused = counts.reserve(NOW_MS, limits, [hold("c", answers=1)], LEASE_MS)
    assert refused.count == 0
    assert refused.refusal is not None
    assert refused.refusal.limit == "concurrent_answers"
    assert (refused.refusal.resets_at_ms, refused.refusal.retry_after_ms) == (None, 1_000)
    counts.settle(NOW_MS, "a", NOW_MS, NOTHING)
    assert counts.reserve(NOW_MS, limits, [hold("d", answers=1)], LEASE_MS).count == 1


async def test_a_store_counts_by_the_wall_clock_in_milliseconds() -> None:
    before_ms = time.time() * 1_000 - 1
    admission = await MemoryStore().reserve("t", NO_LIMITS, [hold("a")], LEASE_MS)
    assert before_ms <= admission.at_ms <= time.time() * 1_000
