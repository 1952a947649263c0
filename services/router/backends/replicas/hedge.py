"""Hedging: a slow attempt gets a rival on another replica, and the first to write wins."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.router.backends.replicas.attempt_stream import AttemptStream
    from services.router.types.pieces import Piece


async def first_to_write(
    stream: AttemptStream, *, delay_s: float, hedge: Callable[[], Awaitable[AttemptStream | None]]
) -> tuple[AttemptStream, Piece | None]:
    """Returns the attempt that writes first, and its first piece; None for an empty reply.

    The other attempt is closed and billed for what it used until then.

    Args:
        stream: The attempt under way.
        delay_s: Seconds to wait for it before the hedge is started.
        hedge: Starts the hedge; returns None if it may not.

    Raises:
        AttemptFailedError: Every attempt failed. All are closed.
    """
    running = {asyncio.create_task(stream.next()): stream}
    try:
        done, _ = await asyncio.wait(running, timeout=delay_s)
        if not done and (second := await hedge()) is not None:
            running[asyncio.create_task(second.next())] = second
        while True:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            task = done.pop()
            first = running.pop(task)
            try:
                piece = task.result()
            except AttemptFailedError:
                if not running:
                    raise
            else:
                for other in running.values():
                    other.attempt.end(CallStatus.CANCELLED)
                return first, piece
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for other in running.values():
            await other.close(None)
