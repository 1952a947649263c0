"""A stream's items in chunks."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.streams import chunked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TIMEOUT_S = 60


class Source:
    """A stream whose items the test gives."""

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


async def test_a_single_item_is_a_chunk_at_once() -> None:
    source = Source()
    source.give(7)
    async with asyncio.timeout(TIMEOUT_S), aclosing(chunked(aiter(source), limit=4)) as chunks:
        assert await anext(chunks) == [7]


async def test_items_that_arrive_between_two_chunks_are_the_next_chunk() -> None:
    source = Source()
    source.give(0)
    async with asyncio.timeout(TIMEOUT_S), aclosing(chunked(aiter(source), limit=4)) as chunks:
        assert await anext(chunks) == [0]
        source.give(1, 2, 3)
        await settle()
        assert await anext(chunks) == [1, 2, 3]


async def test_one_chunk_is_read_ahead_and_no_more() -> None:
    source = Source()
    source.give(*range(9))
    async with asyncio.timeout(TIMEOUT_S), aclosing(chunked(aiter(source), limit=2)) as chunks:
        assert await anext(chunks) == [0, 1]
        await settle()
        assert source.items.qsize() == 5  # 2, 3 wait in the next chunk
        assert await anext(chunks) == [2, 3]


async def test_an_error_of_the_items_comes_after_the_items_before_it() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 0
        raise ValueError("no more")

    chunks = chunked(broken(), limit=4)
    async with asyncio.timeout(TIMEOUT_S):
        assert await anext(chunks) == [0]
        with pytest.raises(ValueError, match="no more"):
            await anext(chunks)


async def test_closing_stops_the_reading() -> None:
    source = Source()
    source.give(0)
    items = aiter(source)
    async with asyncio.timeout(TIMEOUT_S), aclosing(chunked(items, limit=4)) as chunks:
        await anext(chunks)
    assert source.closed


@given(count=st.integers(0, 30), limit=st.integers(1, 8))
def test_chunks_hold_every_item_once_in_order_within_the_limit(count: int, limit: int) -> None:
    async def items() -> AsyncIterator[int]:
        for item in range(count):
            yield item

    async def chunks() -> list[list[int]]:
        return [chunk async for chunk in chunked(items(), limit=limit)]

    found = asyncio.run(chunks())
    assert [item for chunk in found for item in chunk] == list(range(count))
    assert all(1 <= len(chunk) <= limit for chunk in found)
