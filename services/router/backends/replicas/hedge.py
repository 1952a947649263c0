"""Two replicas, one call: the first to write goes on, the other one is cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.router.backends.replicas.attempt_stream import Lane


async def race(
    lane: Lane, *, delay_s: float, hedge: Callable[[], Awaitable[Lane | None]]
) -> tuple[Lane, str | None]:
    """Returns the lane that wrote first, and what; None for a whole reply without text.

    The other lane is closed. It has cost what it used until then.

    Args:
        lane: The attempt under way.
        delay_s: How long it is waited for before another one is started.
        hedge: Starts that, if it may.

    Raises:
        AttemptFailedError: Both failed, or the one if there was no other; they are closed.
    """
    running = {asyncio.create_task(lane.next()): lane}
    try:
        done, _ = await asyncio.wait(running, timeout=delay_s)
        if not done and (second := await hedge()) is not None:
            running[asyncio.create_task(second.next())] = second
        while True:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            task = done.pop()
            first = running.pop(task)
            try:
                text = task.result()
            except AttemptFailedError:
                if not running:
                    raise
            else:
                for other in running.values():
                    other.attempt.end(CallStatus.CANCELLED)
                return first, text
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for other in running.values():
            await other.close(None)
