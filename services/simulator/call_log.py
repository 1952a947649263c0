"""The log of the last calls: model, purpose, outcome and tokens of each."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import enum
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from services.simulator.call import Call, Purpose

# A bound, so that a long benchmark does not fill the memory.
_MAX_RECORD_COUNT = 10_000


class CallOutcome(enum.StrEnum):
    """The state of a call: running, or how it ended."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    """The caller left before the reply was complete."""
    FAULTED = "faulted"
    """An active fault ended it."""
    REJECTED = "rejected"
    """The source has no answer to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call; times are seconds of the monotonic clock."""

    model: str
    purpose: Purpose
    started_s: float
    ended_s: float | None = None
    outcome: CallOutcome = CallOutcome.RUNNING
    prompt_tokens: int = 0
    """Tokens read; none if the call was refused."""
    completion_tokens: int = 0
    """Tokens written, even if the reply broke off."""


@dataclass(slots=True)
class CallProgress:
    """Outcome and token counts of a call in progress; its handler updates them."""

    outcome: CallOutcome = CallOutcome.COMPLETED
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def set_written(self, completion_tokens: int) -> None:
        """Sets the number of tokens written so far."""
        self.completion_tokens = completion_tokens


class CallLog:
    """Holds the last 10,000 calls; a test can wait for one."""

    def __init__(self) -> None:
        self._records: OrderedDict[int, CallRecord] = OrderedDict()
        self._next_number = 0
        self._changed = asyncio.Event()

    @property
    def records(self) -> tuple[CallRecord, ...]:
        """The calls so far, oldest first."""
        return tuple(self._records.values())

    def clear(self) -> None:
        """Deletes every call, even those in progress."""
        self._records.clear()

    @contextlib.contextmanager
    def logged(self, call: Call) -> Iterator[CallProgress]:
        """Logs a call from now until the block ends."""
        number = self._next_number
        self._next_number += 1
        record = CallRecord(model=call.model, purpose=call.purpose, started_s=time.monotonic())
        self._records[number] = record
        if len(self._records) > _MAX_RECORD_COUNT:
            self._records.popitem(last=False)
        self._announce()
        progress = CallProgress()
        try:
            yield progress
        except (asyncio.CancelledError, ConnectionError):
            # An abort by a fault arrives here too; only a caller that left is a cancellation.
            if progress.outcome is CallOutcome.COMPLETED:
                progress.outcome = CallOutcome.CANCELLED
            raise
        finally:
            if number in self._records:
                self._records[number] = dataclasses.replace(
                    record,
                    ended_s=time.monotonic(),
                    outcome=progress.outcome,
                    prompt_tokens=progress.prompt_tokens,
                    completion_tokens=progress.completion_tokens,
                )
            self._announce()

    async def wait_until(
        self, condition: Callable[[Sequence[CallRecord]], bool], *, timeout_s: float
    ) -> tuple[CallRecord, ...]:
        """Returns the records as soon as they meet ``condition``.

        Raises:
            TimeoutError: They do not within ``timeout_s`` seconds.
        """
        async with asyncio.timeout(timeout_s):
            while not condition(self.records):
                await self._changed.wait()
        return self.records

    def _announce(self) -> None:
        # The set event resumes its waiters; the next change needs a new event.
        self._changed.set()
        self._changed = asyncio.Event()
