"""Waits after failures, as long as a backend asks for, and gives a model up that keeps failing."""

from __future__ import annotations

import asyncio
import time

MAX_FAILURES = 7
"""Failures in a row, each after a pause, after which a model is given up: two minutes of waiting."""

_FIRST_PAUSE_S = 1.0
MAX_PAUSE_S = 600.0
"""Longest wait that a backend may ask for; after a longer one the model is given up."""


class Pause:
    """The failures in a row of one model, and the time until which it is left alone."""

    def __init__(self, first_pause_s: float = _FIRST_PAUSE_S) -> None:
        self._first_pause_s = first_pause_s
        self._failed_s = 0.0
        self._until_s = 0.0
        self.failures = 0
        """Failures in a row."""

    @property
    def hopeless(self) -> bool:
        """True if the model should be given up."""
        return self.failures >= MAX_FAILURES or self._until_s > time.monotonic() + MAX_PAUSE_S

    def allowed(self, parallel: int) -> int:
        """Returns how many calls may run at a time: one after a failure, until one succeeds."""
        return 1 if self.failures else parallel

    def succeed(self) -> None:
        """Records a call that was answered."""
        self.failures = 0

    def fail(self, asked_s: float | None, *, started_s: float) -> None:
        """Records a call that failed.

        Args:
            asked_s: Seconds that the backend asks to wait; None if it does not.
            started_s: Time at which the call began, on the monotonic clock; calls that were under way
                when an earlier one failed count as the same failure.
        """
        now_s = time.monotonic()
        if self.failures == 0 or started_s >= self._failed_s:
            self.failures += 1
        self._failed_s = now_s
        pause_s = self._first_pause_s * 2.0 ** (self.failures - 1)
        self._until_s = max(self._until_s, now_s + max(pause_s, asked_s or 0.0))

    async def over(self) -> None:
        """Waits until the model may be called again."""
        await asyncio.sleep(max(0.0, self._until_s - time.monotonic()))
