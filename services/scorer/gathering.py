"""Takes the items of a stream in groups: whatever came while the groups before were worked on.

A lone item is a group at once. So groups grow with load and no item waits for company.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

ItemT = TypeVar("ItemT")


async def gathered(items: AsyncIterator[ItemT], *, limit: int) -> AsyncGenerator[list[ItemT]]:
    """Yields the items in groups of 1 to `limit`, in order; reads one group ahead.

    What ends `items` with an error ends the iteration with it, after the items before it. Closing the
    iterator stops the reading.
    """
    group: list[ItemT] = []
    came, taken = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        async for item in items:
            group.append(item)
            came.set()
            if len(group) == limit:
                taken.clear()
                await taken.wait()

    reader = asyncio.create_task(read())
    reader.add_done_callback(lambda _: came.set())
    try:
        while group or not reader.done():
            await came.wait()
            came.clear()
            if group:
                full = group.copy()
                group.clear()
                taken.set()
                yield full
        await reader
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
