"""Deadlines: a point in time for the whole call, shares of it for stages, timeouts for waits.

A reply arrives in many pieces, and each wait for one is bounded. `asyncio.timeout` would set and cancel
a timer for each piece, which costs more than all other work on it. `ReusableTimeout` keeps one timer:
when it fires too early for the current wait, it is set again.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")
DEADLINE_MARGIN_S = 0.03
"""Time before the caller's deadline at which the best answer so far is written and sent."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time."""

    at_s: float
    """On the clock of `time.monotonic`."""

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Returns the deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining_s(self) -> float:
        """Returns the time left; zero when it has passed."""
        return max(0.0, self.at_s - time.monotonic())

    def share(self, fraction: float) -> Deadline:
        """Returns the deadline of a stage that may use that fraction of the time left."""
        now_s = time.monotonic()
        return Deadline(now_s + max(0.0, self.at_s - now_s) * fraction)


class ReusableTimeout:
    """A reusable timeout: bounds successive awaits of the current task with one timer.

    Entering it as a context manager binds it to the current task.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at_s = math.inf
        """The time at which the timer fires, on the clock of deadlines."""
        self._limit: Deadline | None = None
        """The deadline of the current wait; None between two waits."""
        self._earlier_cancellations: int | None = None
        """Cancellations of the task that were pending when the timeout cancelled it; else None."""

    def __enter__(self) -> Self:
        """Binds the timeout to the current task."""
        self._task = asyncio.current_task()
        return self

    def __exit__(self, *_: object) -> None:
        """Cancels the timer."""
        self._cancel_timer()

    async def until(self, limit: Deadline, awaited: Awaitable[T]) -> T:
        """Returns the result of an awaitable.

        Args:
            limit: The deadline for the result.
            awaited: The awaitable; it is cancelled at the deadline.

        Raises:
            TimeoutError: There was no result by the deadline.
        """
        self._limit = limit
        if limit.at_s < self._fires_at_s:
            self._set_timer(limit)
        try:
            return await awaited
        except BaseException as error:
            if self._undo_cancel() and isinstance(error, asyncio.CancelledError):
                raise TimeoutError from error
            raise
        finally:
            self._limit = None

    def _set_timer(self, limit: Deadline) -> None:
        self._cancel_timer()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(limit.remaining_s(), self._fire)
        self._fires_at_s = limit.at_s

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _fire(self) -> None:
        self._fires_at_s = math.inf
        if self._limit is None or self._task is None:
            return  # the next wait sets the timer
        if self._limit.remaining_s() > 0:
            self._set_timer(self._limit)
            return
        self._earlier_cancellations = self._task.cancelling()
        self._task.cancel()

    def _undo_cancel(self) -> bool:
        """Undoes the timeout's own cancellation; returns True if there was no other."""
        if self._earlier_cancellations is None or self._task is None:
            return False
        # As with `asyncio.timeout`, a cancellation from outside at that moment takes precedence.
        before, self._earlier_cancellations = self._earlier_cancellations, None
        return self._task.uncancel() <= before
