"""A call that several callers wait for. It runs as long as one of them does."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

ItemT = TypeVar("ItemT")


class SharedCall(Generic[ItemT]):
    """Runs a generator once, and yields its items to every caller from the first one on.

    Args:
        run: Starts the generator.
        on_end: Called at the end, however it comes, before any new call can start.
    """

    def __init__(
        self, run: Callable[[], AsyncGenerator[ItemT, None]], on_end: Callable[[], None]
    ) -> None:
        self._items: list[ItemT] = []
        self._caller_count = 0
        self._news = asyncio.Event()
        self._on_end = on_end
        self._task = asyncio.create_task(self._run(run))

    async def items(self) -> AsyncGenerator[ItemT, None]:
        """Yields all items; raises what the generator raises.

        The last caller to leave stops the call and waits for its end.
        """
        self._caller_count += 1
        position = 0
        try:
            while True:
                while position < len(self._items):
                    yield self._items[position]
                    position += 1
                if self._task.done():
                    break
                await self._news.wait()
            self._task.result()
        finally:
            self._caller_count -= 1
            if not self._caller_count and not self._task.done():
                self._on_end()
                self._task.cancel()
                await asyncio.wait([self._task])
                if not self._task.cancelled():
                    self._task.exception()  # nobody is left to hear of it

    async def _run(self, run: Callable[[], AsyncGenerator[ItemT, None]]) -> None:
        try:
            async with aclosing(run()) as items:
                async for item in items:
                    self._items.append(item)
                    self._announce()
        finally:
            self._on_end()
            # After the task's end, which the callers look at.
            asyncio.get_running_loop().call_soon(self._announce)

    def _announce(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
