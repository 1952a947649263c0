from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from services.router.types.deadline import Deadline, ReusableTimeout
from tests.virtual_time import virtually

if TYPE_CHECKING:
    from collections.abc import Callable

LONG_S = 30.0
SHORT_S = 0.02


async def until_cancelled(seen: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        seen.append("cancelled")
        raise


async def after(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "there"


async def at_once() -> str:
    return "there"


async def next_round() -> None:
    await asyncio.sleep(0)


async def test_what_is_there_in_time_is_returned() -> None:
    with ReusableTimeout() as waiting:
        assert await waiting.until(Deadline.after(LONG_S), after(0)) == "there"
        assert await waiting.until(Deadline.after(LONG_S), after(0)) == "there"


async def test_what_is_not_there_in_time_is_cancelled_and_the_task_goes_on() -> None:
    seen: list[str] = []
    with ReusableTimeout() as waiting, pytest.raises(TimeoutError):
        await waiting.until(Deadline.after(SHORT_S), until_cancelled(seen))
    assert seen == ["cancelled"]
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert await after(0) == "there"


async def test_a_limit_that_has_passed_lets_through_what_is_there_already() -> None:
    seen: list[str] = []
    with ReusableTimeout() as waiting:
        assert await waiting.until(Deadline.after(-1), at_once()) == "there"
        with pytest.raises(TimeoutError):
            await waiting.until(Deadline.after(-1), until_cancelled(seen))


async def test_a_later_limit_counts_although_the_timer_was_set_for_an_earlier_one() -> None:
    with ReusableTimeout() as waiting:
        await waiting.until(Deadline.after(SHORT_S), after(0))
        assert await waiting.until(Deadline.after(LONG_S), after(3 * SHORT_S)) == "there"


async def test_an_earlier_limit_counts_although_the_timer_was_set_for_a_later_one() -> None:
    with ReusableTimeout() as waiting:
        await waiting.until(Deadline.after(LONG_S), after(0))
        async with asyncio.timeout(LONG_S / 2):
            with pytest.raises(TimeoutError):
                await waiting.until(Deadline.after(SHORT_S), until_cancelled([]))


async def test_between_two_waits_nothing_is_cancelled() -> None:
    with ReusableTimeout() as waiting:
        await waiting.until(Deadline.after(SHORT_S), after(0))
        assert await after(3 * SHORT_S) == "there"
        with pytest.raises(TimeoutError):
            await waiting.until(Deadline.after(SHORT_S), until_cancelled([]))


async def test_whoever_cancels_the_task_gets_no_timeout_instead() -> None:
    async def wait() -> None:
        with ReusableTimeout() as waiting:
            await waiting.until(Deadline.after(LONG_S), until_cancelled([]))

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_at_the_moment_of_the_limit_has_the_last_word() -> None:
    async def wait() -> None:
        task = asyncio.current_task()
        assert task is not None

        async def slow_to_stop() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                task.cancel()  # while what expired is being wound up
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)

        with ReusableTimeout() as waiting:
            await waiting.until(Deadline.after(SHORT_S), slow_to_stop())

    task = asyncio.create_task(wait())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_an_error_of_what_is_awaited_stays_that_error() -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise LookupError

    with ReusableTimeout() as waiting, pytest.raises(LookupError):
        await waiting.until(Deadline.after(LONG_S), fails())


@virtually
async def test_a_timer_that_fires_during_a_later_wait_leaves_it_its_time() -> None:
    with ReusableTimeout() as waiting:
        await waiting.until(Deadline.after(5.0), after(4.5))
        assert await waiting.until(Deadline.after(1.2), after(0.9)) == "there"
        with pytest.raises(TimeoutError):
            await waiting.until(Deadline.after(0.3), after(0.4))


@virtually
async def test_a_timer_that_fires_during_a_later_wait_is_set_again() -> None:
    with ReusableTimeout() as waiting:
        await waiting.until(Deadline.after(1.0), after(0.5))
        limit = Deadline.after(1.2)
        with pytest.raises(TimeoutError):
            await waiting.until(limit, after(LONG_S))
    assert limit.remaining_s() == 0
    assert asyncio.get_running_loop().time() == pytest.approx(limit.at_s)


@virtually
async def test_a_thousand_short_waits_need_only_a_few_timers() -> None:
    loop = asyncio.get_running_loop()
    with patch.object(loop, "call_later", wraps=loop.call_later) as call_later:
        with ReusableTimeout() as waiting:
            for _ in range(1_000):
                await waiting.until(Deadline.after(10.0), next_round())
                loop.clock.now_s += 0.001  # type: ignore[attr-defined]
            limit = Deadline.after(10.0)
            for _ in range(1_000):
                await waiting.until(limit, next_round())
        assert call_later.call_count < 5


@virtually
async def test_a_timer_that_fires_between_two_waits_does_nothing() -> None:
    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    with ReusableTimeout() as waiting:
        await waiting.until(Deadline.after(1.0), after(0.5))
        await asyncio.sleep(1.0)
        assert await waiting.until(Deadline.after(1.0), after(0.5)) == "there"
    assert reported == []


@virtually
async def test_no_timer_is_left_behind() -> None:
    loop = asyncio.get_running_loop()
    call_later, timers = loop.call_later, []

    def recorded(delay_s: float, call: Callable[[], object]) -> asyncio.TimerHandle:
        timers.append(call_later(delay_s, call))
        return timers[-1]

    with patch.object(loop, "call_later", recorded), ReusableTimeout() as waiting:
        await waiting.until(Deadline.after(9.0), next_round())
        await waiting.until(Deadline.after(8.0), next_round())
    assert [timer.cancelled() for timer in timers] == [True, True]
