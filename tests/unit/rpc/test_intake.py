"""Places for requests that are being received."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from routemoa.errors import OverloadedError
from services.rpc.interceptors import intake as intake_module
from services.rpc.interceptors.call import Call
from services.rpc.interceptors.intake import Intake, Intakes

if TYPE_CHECKING:
    from services.rpc.interceptors.call import Context

TIMEOUT_S = 60


class Message:
    """A call's request, which arrives when the test says so."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.arrived = asyncio.Event()

    async def read(self) -> str:
        self.asked.set()
        await self.arrived.wait()
        return "request"


class Reading:
    """A call that reads its request."""

    def __init__(self, intake: Intake, caller: str) -> None:
        self.message = Message()
        self.task = asyncio.create_task(self._read(intake, caller))

    async def _read(self, intake: Intake, caller: str) -> Any:
        self.call = Call(method="/m", context=cast("Context", self.message), caller=caller)
        try:
            return await intake.read(self.call)
        except asyncio.CancelledError:
            if self.call.end_error is not None:
                raise self.call.end_error from None
            raise

    async def finish(self) -> None:
        self.message.arrived.set()
        assert await asyncio.wait_for(self.task, TIMEOUT_S) == "request"


async def asked(*readings: Reading) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        for reading in readings:
            await reading.message.asked.wait()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_caller_receives_few_requests_at_a_time_and_the_newest_one_is_next() -> None:
    intake = Intake(share=2, limit=8)
    first, second = Reading(intake, "a"), Reading(intake, "a")
    await asked(first, second)
    third, fourth, other = (Reading(intake, name) for name in "aab")
    await asked(other)
    await settled()
    assert not third.message.asked.is_set()
    await first.finish()
    await asked(fourth)
    await settled()
    assert not third.message.asked.is_set()
    for reading in (second, fourth, third, other):
        await reading.finish()


async def test_all_callers_together_receive_few_requests_at_a_time() -> None:
    intake = Intake(share=2, limit=3)
    held = [Reading(intake, name) for name in "aab"]
    await asked(*held)
    late = Reading(intake, "c")
    await settled()
    assert not late.message.asked.is_set()
    await held[2].finish()
    await late.finish()
    for reading in held[:2]:
        await reading.finish()


async def test_a_request_that_does_not_arrive_gives_up_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake_module, "PATIENCE_S", 0.0)
    monkeypatch.setattr(intake_module, "SEARCH_INTERVAL_S", 0.01)
    intake = Intake(share=1, limit=8)
    stuck = Reading(intake, "a")
    await asked(stuck)
    late = Reading(intake, "a")
    with pytest.raises(OverloadedError):
        await asyncio.wait_for(stuck.task, TIMEOUT_S)
    await late.finish()


async def test_the_caller_with_most_places_gives_one_to_another_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake_module, "PATIENCE_S", 0.0)
    monkeypatch.setattr(intake_module, "SEARCH_INTERVAL_S", 0.01)
    intake = Intake(share=2, limit=3)
    modest = Reading(intake, "modest")
    await asked(modest)
    greedy = [Reading(intake, "greedy") for _ in range(2)]
    await asked(*greedy)
    await Reading(intake, "new").finish()
    assert not modest.task.done()
    assert sum(reading.task.done() for reading in greedy) == 1
    await modest.finish()
    for reading in greedy:
        reading.task.cancel()
    await asyncio.gather(*(reading.task for reading in greedy), return_exceptions=True)


async def test_a_call_that_is_cancelled_while_it_waits_leaves_its_turn_to_the_next() -> None:
    intake = Intake(share=1, limit=8)
    first = Reading(intake, "a")
    await asked(first)
    second, third = Reading(intake, "a"), Reading(intake, "a")
    await settled()
    first.message.arrived.set()
    await first.task
    third.task.cancel()  # it has just got the turn
    await second.finish()
    fourth = Reading(intake, "a")
    await asked(fourth)
    fifth = Reading(intake, "a")
    await settled()
    fifth.task.cancel()  # it still waits
    await fourth.finish()
    await Reading(intake, "a").finish()


async def test_a_stream_that_works_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "PATIENCE_S", 0.01)
    monkeypatch.setattr(intake_module, "SEARCH_INTERVAL_S", 0.001)
    intake = Intake(share=1, limit=8)
    busy = Reading(intake, "a")
    await asked(busy)
    busy.call.owed_responses = 1
    late = Reading(intake, "a")
    await asyncio.sleep(0.05)
    assert not busy.task.done()
    await busy.finish()
    await late.finish()


def test_the_requests_of_a_caller_take_at_most_its_memory() -> None:
    intakes = Intakes.of(intake_module.MAX_CALLER_BYTES // 3)
    assert intakes.single._share == 3  # what it is for
    assert intakes.single._limit == 12


def test_a_large_request_that_does_not_arrive_leaves_a_place_for_another() -> None:
    large = Intakes.of(26 * 1024 * 1024).single
    assert large._share == 2
    assert large._limit == 4  # 104 MiB of all callers
