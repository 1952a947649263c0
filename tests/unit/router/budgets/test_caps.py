"""Caps and the room that they leave; the starts of windows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.router.types.amounts import NOTHING, Amount, Caps, TenantLimits, Window

CAPS = Caps(calls=3, tokens=100, nano_usd=1_000)


@pytest.mark.parametrize(
    ("taken", "more", "refused"),
    [
        (NOTHING, Amount(3, 100, 1_000), None),
        (Amount(2, 60, 400), Amount(1, 40, 600), None),
        (NOTHING, Amount(4, 0, 0), "calls"),
        (Amount(1, 60, 0), Amount(1, 41, 0), "tokens"),
        (Amount(0, 0, 999), Amount(1, 1, 2), "usd"),
        (Amount(3, 100, 1_000), Amount(1, 1, 1), "calls"),
        (Amount(9, 900, 9_000), NOTHING, None),  # nothing more always fits
        (Amount(9, 0, 0), Amount(0, 1, 0), None),  # of what is over, no more is asked
    ],
)
def test_a_resource_is_refused_once_there_is_too_little_of_it(
    taken: Amount, more: Amount, refused: str | None
) -> None:
    assert CAPS.refused_resource(taken, more) == refused


def test_what_has_no_cap_is_never_refused() -> None:
    assert Caps().refused_resource(Amount(99, 10**9, 10**15), Amount(1, 10**9, 10**15)) is None


def test_what_is_taken_is_taken_off_each_cap_that_there_is() -> None:
    left = Caps(calls=3, nano_usd=1_000).less(Amount(1, 50, 400))
    assert left == Caps(calls=2, tokens=None, nano_usd=600)


@pytest.mark.parametrize(
    ("window", "start"),
    [
        (Window.PER_MINUTE, datetime(2027, 1, 15, 13, 46, tzinfo=UTC)),
        (Window.PER_HOUR, datetime(2027, 1, 15, 13, tzinfo=UTC)),
        (Window.PER_DAY, datetime(2027, 1, 15, tzinfo=UTC)),
    ],
)
def test_windows_begin_at_full_minutes_hours_and_days_of_utc(
    window: Window, start: datetime
) -> None:
    now_ms = round(datetime(2027, 1, 15, 13, 46, 40, tzinfo=UTC).timestamp() * 1_000)
    assert window.start_ms(now_ms) == start.timestamp() * 1_000
    assert window.start_ms(window.start_ms(now_ms)) == window.start_ms(now_ms)


def test_windows_are_named_as_in_the_tenants_file() -> None:
    assert [window.key for window in Window] == ["per_minute", "per_hour", "per_day"]


def test_the_window_with_the_longest_wait_comes_first() -> None:
    limits = TenantLimits(windows={Window.PER_MINUTE: CAPS, Window.PER_DAY: Caps(calls=9)})
    assert list(limits.longest_first()) == [
        (Window.PER_DAY, Caps(calls=9)),
        (Window.PER_MINUTE, CAPS),
    ]


def test_nothing_is_limited_only_where_neither_answers_nor_windows_are() -> None:
    assert TenantLimits().are_none
    assert not TenantLimits(concurrent_answers=1).are_none
    assert not TenantLimits(windows={Window.PER_DAY: CAPS}).are_none
