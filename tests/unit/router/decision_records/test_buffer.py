from __future__ import annotations

import asyncio
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.router.decision_records.buffer import open_buffer
from tests.unit.router.decision_records.samples import KeptSink, line


def dropped(reason: str) -> float:
    value = REGISTRY.get_sample_value("routemoa_router_decisions_dropped_total", {"reason": reason})
    return value or 0.0


async def test_lines_arrive_in_order() -> None:
    sink = KeptSink()
    async with open_buffer(sink, max_bytes=10_000, drain_timeout_s=10) as buffer:
        for number in range(50):
            buffer.put(line(str(number)))
    assert sink.ids == [str(number) for number in range(50)]
    assert sink.closed


async def test_a_full_buffer_drops_the_newest_and_never_waits() -> None:
    sink = KeptSink()
    sink.room.clear()
    before = dropped("full")
    with capture_logs() as logs:
        async with open_buffer(sink, max_bytes=1_000, drain_timeout_s=10) as buffer:
            for number in range(20):
                buffer.put(line(str(number), size=250))
            sink.room.set()
    assert sink.ids == ["0", "1", "2"]
    assert dropped("full") - before == 17
    assert [entry["event"] for entry in logs] == ["decisions_dropped"]


async def test_the_waiting_lines_of_one_tenant_leave_room_for_the_others() -> None:
    sink = KeptSink()
    sink.room.clear()
    async with open_buffer(sink, max_bytes=4_000, drain_timeout_s=10) as buffer:
        one, other = (replace(line(name, size=400), tenant=name) for name in ("one", "other"))
        taken = [buffer.offer(one, tenant_share=0.25) for _ in range(5)]
        assert taken == [True, True, False, False, False]
        assert buffer.offer(other, tenant_share=0.25)
        sink.room.set()
        await sink.wait_until(lambda s: len(s.ids) == 3)
        assert buffer.offer(one, tenant_share=0.25)
    assert sink.ids == ["one", "one", "other", "one"]


async def test_a_line_larger_than_the_buffer_is_dropped() -> None:
    sink = KeptSink()
    async with open_buffer(sink, max_bytes=1_000, drain_timeout_s=10) as buffer:
        buffer.put(line("large", size=2_000))
        buffer.put(line("small"))
    assert sink.ids == ["small"]


async def test_what_waited_for_a_sink_that_was_down_arrives_once() -> None:
    sink = KeptSink()
    sink.down = True
    async with open_buffer(
        sink, max_bytes=10_000, first_pause_s=0.001, drain_timeout_s=10
    ) as buffer:
        for name in "abc":
            buffer.put(line(name))
        await sink.wait_until(lambda s: s.attempts >= 3)
        sink.down = False
    assert sink.ids == ["a", "b", "c"]


async def test_a_line_that_can_never_be_written_costs_itself_alone() -> None:
    sink = KeptSink()
    sink.refused = {"b"}
    before = dropped("refused")
    async with open_buffer(sink, max_bytes=10_000, drain_timeout_s=10) as buffer:
        for name in "abc":
            buffer.put(line(name))
    assert sink.ids == ["a", "c"]
    assert dropped("refused") - before == 1


async def test_a_sink_that_is_down_does_not_hold_up_the_end() -> None:
    sink = KeptSink()
    sink.room.clear()
    before = dropped("drain")
    async with (
        asyncio.timeout(60),
        open_buffer(sink, max_bytes=10_000, drain_timeout_s=0.01) as buffer,
    ):
        buffer.put(line("a"))
        buffer.put(line("b"))
    assert sink.ids == []
    assert sink.closed
    assert dropped("drain") - before == 2


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=40))
def test_every_line_is_written_or_counted(steps: list[tuple[int, bool]]) -> None:
    async def work() -> None:
        sink = KeptSink()
        before = dropped("full")
        async with open_buffer(
            sink, max_bytes=1_000, first_pause_s=0.0001, drain_timeout_s=30
        ) as buffer:
            for number, (size, yields) in enumerate(steps):
                sink.down = yields
                buffer.put(line(str(number), size=size))
                if yields:
                    await asyncio.sleep(0)
            sink.down = False
        assert len(sink.ids) + dropped("full") - before == len(steps)
        assert sink.ids == sorted(sink.ids, key=int)

    asyncio.run(work())
