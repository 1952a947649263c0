"""Concurrent work on a stream's items, with results in order."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from services.scorer.streams import ordered_map

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Work:
    """Doubles an item once the test finishes it."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.cancelled: list[int] = []
        self.gates: dict[int, asyncio.Event] = {}

    async def __call__(self, item: int) -> int:
        self.started.append(item)
        try:
            await self.gates.setdefault(item, asyncio.Event()).wait()
        except asyncio.CancelledError:
            self.cancelled.append(item)
            raise
        return item * 2

    def finish(self, *items: int) -> None:
        for item in items:
            self.gates.setdefault(item, asyncio.Event()).set()


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


async def settle() -> None:
    """Lets everything run that can run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_results_come_in_the_order_of_the_items_whichever_is_ready_first() -> None:
    work = Work()
    work.finish(2, 1)
    async with aclosing(ordered_map(numbers(3), work, window=3)) as results:
        first = asyncio.ensure_future(anext(results))
        await settle()
        assert work.started == [0, 1, 2]
        assert not first.done()
        work.finish(0)
        assert [await first, *[result async for result in results]] == [0, 2, 4]


async def test_no_more_items_are_taken_than_the_window_holds() -> None:
    work = Work()
    async with aclosing(ordered_map(numbers(9), work, window=2)) as results:
        first = asyncio.ensure_future(anext(results))
        await settle()
        assert work.started == [0, 1]
        work.finish(0, 1)
        assert await first == 0
        # The second result is not taken yet, so it still counts.
        await settle()
        assert work.started == [0, 1]
        assert await anext(results) == 2
        await settle()
        assert work.started == [0, 1, 2]


async def test_closing_the_iterator_cancels_all_work() -> None:
    work = Work()
    work.finish(0)
    async with aclosing(ordered_map(numbers(9), work, window=3)) as results:
        assert await anext(results) == 0
        await settle()
    assert sorted(work.cancelled) == [1, 2]


async def test_an_error_of_the_items_comes_after_the_results_before_it() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 0
        yield 1
        raise ValueError("no more")

    work = Work()
    work.finish(0, 1)
    results = ordered_map(broken(), work, window=9)
    assert [await anext(results), await anext(results)] == [0, 2]
    with pytest.raises(ValueError, match="no more"):
        await anext(results)


async def test_an_error_of_the_work_ends_the_iteration_and_cancels_the_rest() -> None:
    async def fails(item: int) -> int:
        if item == 1:
            raise ValueError("item 1")
        return await work(item)

    work = Work()
    work.finish(0)
    results = ordered_map(numbers(9), fails, window=4)
    assert await anext(results) == 0
    await settle()
    with pytest.raises(ValueError, match="item 1"):
        await anext(results)
    assert sorted(work.cancelled) == [2, 3]
