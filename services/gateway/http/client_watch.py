"""Ends the work for a client that goes away, and notices quiet streams."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from services.gateway.http.exchange import Exchange


class ClientGoneError(Exception):
    """Raised where the client went away before its response was whole."""


@asynccontextmanager
async def while_client_stays(
    exchange: Exchange,
    *,
    interval_s: float | None = None,
    on_interval: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[None]:
    """Runs the block as long as the client stays.

    Args:
        exchange: The request, whose body has been read.
        interval_s: The time between calls of `on_interval`; None for none.
        on_interval: Called while the client stays.

    Raises:
        ClientGoneError: The client went away; the block was cancelled.
    """
    work = asyncio.current_task()
    assert work is not None  # noqa: S101  # a handler runs in a task
    gone = False

    async def watch() -> None:
        nonlocal gone
        while True:
            try:
                async with asyncio.timeout(interval_s):
                    message = await exchange.receive()
            except TimeoutError:
                if on_interval is not None:
                    await on_interval()
                continue
            if exchange.is_whole:
                return
            if message["type"] == "http.disconnect":
                gone = True
                work.cancel()
                return

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if not gone or work.uncancel() > 0:
            raise  # the server ends, too
        raise ClientGoneError from None
    finally:
        watcher.cancel()
