"""Works on the items of a stream together and gives the results in the order of the items."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


async def in_order(
    items: AsyncIterator[ItemT],
    work: Callable[[ItemT], Coroutine[None, None, ResultT]],
    *,
    window: int,
) -> AsyncGenerator[ResultT]:
    """Yields `work(item)` for each item, with at most `window` results pending or not yet taken.

    What ends `items` or `work` with an error ends the iteration with it, after the results before it.
    Closing the iterator cancels all work.
    """
    started: asyncio.Queue[asyncio.Task[ResultT] | None] = asyncio.Queue()
    permits = asyncio.Semaphore(window)
    pending: set[asyncio.Task[ResultT]] = set()

    async def read() -> None:
        try:
            await permits.acquire()
            async for item in items:
                task = asyncio.create_task(work(item))
                pending.add(task)
                started.put_nowait(task)
                await permits.acquire()
        finally:
            started.put_nowait(None)

    reader = asyncio.create_task(read())
    try:
        while (task := await started.get()) is not None:
            yield await task
            pending.discard(task)
            permits.release()
        await reader
    finally:
        for unfinished in (reader, *pending):
            unfinished.cancel()
        # Waits for all to have ended; what they ended with is of no more interest.
        await asyncio.gather(reader, *pending, return_exceptions=True)
