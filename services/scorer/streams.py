"""Streams of items: in chunks, and mapped concurrently in order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


async def chunked(items: AsyncIterator[ItemT], *, limit: int) -> AsyncGenerator[list[ItemT]]:
    """Yields the items in chunks of 1 to `limit`, in order; reads one chunk ahead.

    A chunk holds the items that arrived since the last one: a single item is yielded at once, and
    chunks grow with load. If `items` raises, the items before the error are yielded first. Closing
    the iterator stops the reading.
    """
    chunk: list[ItemT] = []
    arrived, taken = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        async for item in items:
            chunk.append(item)
            arrived.set()
            if len(chunk) == limit:
                taken.clear()
                await taken.wait()

    reader = asyncio.create_task(read())
    reader.add_done_callback(lambda _: arrived.set())
    try:
        while chunk or not reader.done():
            await arrived.wait()
            arrived.clear()
            if chunk:
                full = chunk.copy()
                chunk.clear()
                taken.set()
                yield full
        await reader
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def ordered_map(
    items: AsyncIterator[ItemT],
    work: Callable[[ItemT], Coroutine[None, None, ResultT]],
    *,
    window: int,
) -> AsyncGenerator[ResultT]:
    """Yields `work(item)` for each item, in order.

    At most `window` results are pending or not yet taken. If `items` or `work` raises, the results
    before the error are yielded first. Closing the iterator cancels all work.
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
        # Waits until all have ended; their results and errors are no longer needed.
        await asyncio.gather(reader, *pending, return_exceptions=True)
