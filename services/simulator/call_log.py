"""Who was called, for what, and how it ended: the last calls, newest last."""

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

# A long benchmark must not fill the memory; a test looks at a handful.
_MAX_RECORD_COUNT = 10_000


class Outcome(enum.StrEnum):
    """How a call ended."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    """The caller went away before the reply was whole."""
    FAULTED = "faulted"
    """A fault that was switched on ended it."""
    REJECTED = "rejected"
    """The source holds no answer to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call; times are seconds of the monotonic clock."""

    model: str
    purpose: Purpose
    started_s: float
    ended_s: float | None = None
    outcome: Outcome = Outcome.RUNNING
    prompt_tokens: int = 0
    """Tokens that were read; none where the call was refused."""
    completion_tokens: int = 0
    """Tokens that were written, those of a reply that broke off too."""


@dataclass(slots=True)
class Ending:
    """The outcome of a call in progress and what it has used, set by whoever answers it."""

    outcome: Outcome = Outcome.COMPLETED
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def note_written(self, completion_tokens: int) -> None:
        """Notes how much has been written so far."""
        self.completion_tokens = completion_tokens


class CallLog:
    """The last 10,000 calls, and a way to wait for one."""

    def __init__(self) -> None:
        self._records: OrderedDict[int, CallRecord] = OrderedDict()
        self._next_number = 0
        self._changed = asyncio.Event()

    @property
    def records(self) -> tuple[CallRecord, ...]:
        """The calls so far, oldest first."""
        return tuple(self._records.values())

    def clear(self) -> None:
        """Forgets every call, those in progress too."""
        self._records.clear()

    @contextlib.contextmanager
    def recording(self, call: Call) -> Iterator[Ending]:
        """Records a call from now until the block ends."""
        number = self._next_number
        self._next_number += 1
        record = CallRecord(model=call.model, purpose=call.purpose, started_s=time.monotonic())
        self._records[number] = record
        if len(self._records) > _MAX_RECORD_COUNT:
            self._records.popitem(last=False)
        self._announce()
        ending = Ending()
        try:
            yield ending
        except (asyncio.CancelledError, ConnectionError):
            # A fault's own abort arrives here as well and is not the caller's doing.
            if ending.outcome is Outcome.COMPLETED:
                ending.outcome = Outcome.CANCELLED
            raise
        finally:
            if number in self._records:
                self._records[number] = dataclasses.replace(
                    record,
                    ended_s=time.monotonic(),
                    outcome=ending.outcome,
                    prompt_tokens=ending.prompt_tokens,
                    completion_tokens=ending.completion_tokens,
                )
            self._announce()

    async def wait_until(
        self, condition: Callable[[Sequence[CallRecord]], bool], *, timeout_s: float
    ) -> tuple[CallRecord, ...]:
        """Returns the records as soon as they meet ``condition``.

        Raises:
            TimeoutError: If they do not in ``timeout_s`` seconds.
        """
        async with asyncio.timeout(timeout_s):
            while not condition(self.records):
                await self._changed.wait()
        return self.records

    def _announce(self) -> None:
        # Waiters are resumed by the set event; the next change needs a fresh one.
        self._changed.set()
        self._changed = asyncio.Event()
