"""Taking a stream's items in groups."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.gathering import gathered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TIMEOUT_S = 60


class Source:
    """A stream whose items come when the test says so."""

    def __init__(self) -> None:
        self.items: asyncio.Queue[int] = asyncio.Queue()
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[int]:
        try:
            while True:
                yield await self.items.get()
        finally:
            self.closed = True

    def give(self, *items: int) -> None:
        for item in items:
            self.items.put_nowait(item)


async def settle() -> None:
    """Lets everything run that can run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_lone_item_is_a_group_at_once() -> None:
    source = Source()
    source.give(7)
    async with asyncio.timeout(TIMEOUT_S), aclosing(gathered(aiter(source), limit=4)) as groups:
        assert await anext(groups) == [7]


async def test_what_comes_while_nobody_asks_is_the_next_group() -> None:
    source = Source()
    source.give(0)
    async with asyncio.timeout(TIMEOUT_S), aclosing(gathered(aiter(source), limit=4)) as groups:
        assert await anext(groups) == [0]
        source.give(1, 2, 3)
        await settle()
        assert await anext(groups) == [1, 2, 3]


async def test_one_group_is_read_ahead_and_no_more() -> None:
    source = Source()
    source.give(*range(9))
    async with asyncio.timeout(TIMEOUT_S), aclosing(gathered(aiter(source), limit=2)) as groups:
        assert await anext(groups) == [0, 1]
        await settle()
        assert source.items.qsize() == 5  # 2, 3 wait in the next group
        assert await anext(groups) == [2, 3]


async def test_an_error_of_the_items_comes_after_the_items_before_it() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 0
        raise ValueError("no more")

    groups = gathered(broken(), limit=4)
    async with asyncio.timeout(TIMEOUT_S):
        assert await anext(groups) == [0]
        with pytest.raises(ValueError, match="no more"):
            await anext(groups)


async def test_closing_stops_the_reading() -> None:
    source = Source()
    source.give(0)
    items = aiter(source)
    async with asyncio.timeout(TIMEOUT_S), aclosing(gathered(items, limit=4)) as groups:
        await anext(groups)
    assert source.closed


@given(count=st.integers(0, 30), limit=st.integers(1, 8))
def test_groups_hold_every_item_once_in_order_and_no_more_than_they_may(
    count: int, limit: int
) -> None:
    async def items() -> AsyncIterator[int]:
        for item in range(count):
            yield item

    async def groups() -> list[list[int]]:
        return [group async for group in gathered(items(), limit=limit)]

    found = asyncio.run(groups())
    assert [item for group in found for item in group] == list(range(count))
    assert all(1 <= len(group) <= limit for group in found)
