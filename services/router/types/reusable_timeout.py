"""Bounds waits, one after the other, with a single timer.

A reply is waited for once per piece. `asyncio.timeout` would set a timer and cancel it each time, which
costs more than all else that is done for a piece. This timer stays: when it goes off it looks whether
the time has really come, and if not, it is set anew.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from services.router.types.deadline import Deadline

T = TypeVar("T")


class Waiting:
    """The waits of one task: the one that enters this context. The timer goes with it."""

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rings_s = math.inf
        """When the timer goes off, on the clock of deadlines."""
        self._limit: Deadline | None = None
        """Of the wait under way; None between two."""
        self._cancelling: int | None = None
        """How often others had cancelled the task when its time was over; None before."""

    def __enter__(self) -> Self:
        """Notes who waits."""
        self._task = asyncio.current_task()
        return self

    def __exit__(self, *_: object) -> None:
        """Cancels the timer."""
        self._cancel_timer()

    async def until(self, limit: Deadline, awaited: Awaitable[T]) -> T:
        """Returns what is awaited.

        Args:
            limit: When it must be there.
            awaited: It is cancelled when it is not.

        Raises:
            TimeoutError: It is not there in time.
        """
        self._limit = limit
        if limit.at_s < self._rings_s:
            self._set_timer(limit)
        try:
            return await awaited
        except BaseException as error:
            if self._take_back() and isinstance(error, asyncio.CancelledError):
                raise TimeoutError from error
            raise
        finally:
            self._limit = None

    def _set_timer(self, limit: Deadline) -> None:
        self._cancel_timer()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(limit.remaining_s(), self._look)
        self._rings_s = limit.at_s

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._rings_s = math.inf
        if self._limit is None or self._task is None:
            return  # the next wait sets it
        if self._limit.remaining_s() > 0:
            self._set_timer(self._limit)
            return
        self._cancelling = self._task.cancelling()
        self._task.cancel()

    def _take_back(self) -> bool:
        """Takes back the cancellation that the limit brought; says whether it was the only one."""
        if self._cancelling is None or self._task is None:
            return False
        # As with `asyncio.timeout`, whoever else cancels the task at that moment has the last word.
        before, self._cancelling = self._cancelling, None
        return self._task.uncancel() <= before
