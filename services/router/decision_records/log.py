"""Lines wait here for the sink: a bounded buffer with one owner, so that no answer ever waits.

`put` never blocks. The owner writes what has gathered in one go, and again after a pause if the sink is
down. A line that finds the buffer full is dropped, not an older one: what is kept then shows, without
holes, how an outage began.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import structlog

from services.router.decision_records.metrics import BUFFERED, DROPPED, SINK_FAILURES, WRITTEN
from services.router.decision_records.sink import SinkDownError, SinkRefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.router.decision_records.sink import Line, Sink

_MAX_BATCH_LINES = 500
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_NOTICE_INTERVAL_S = 60.0
"""A sink that is down would otherwise fill the log with the same words."""
_log = structlog.get_logger()


class DecisionLog:
    """A bounded buffer in front of a sink.

    Args:
        sink: Where the lines go.
        max_bytes: What the waiting lines may hold together.
        first_pause_s: Pause after the first failed write; it doubles up to 5 s.
    """

    def __init__(
        self, sink: Sink, *, max_bytes: int, first_pause_s: float = _FIRST_PAUSE_S
    ) -> None:
        self._sink = sink
        self._max_bytes = max_bytes
        self._first_pause_s = first_pause_s
        self._lines: deque[Line] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._next_notice_s: dict[str, float] = {}

    def put(self, line: Line) -> None:
        """Takes a line, or drops and counts it. Never waits."""
        if self._bytes + len(line.json) > self._max_bytes:
            self._drop(1, "full")
            return
        self._lines.append(line)
        self._grow(len(line.json))
        self._empty.clear()
        self._arrived.set()

    async def run(self) -> None:
        """Writes what arrives, until it is cancelled."""
        pause_s = self._first_pause_s
        while True:
            await self._arrived.wait()
            try:
                await self._write(min(len(self._lines), _MAX_BATCH_LINES))
            except SinkDownError as error:
                self._failed(error)
                # Not all routers at once: they lost the same database at the same moment.
                await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311  # no secret
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                pause_s = self._first_pause_s

    async def drain(self, timeout_s: float) -> None:
        """Waits until all is written, but no longer than that; the rest is dropped and counted."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        self._drop(len(self._lines), "drain")

    async def _write(self, count: int) -> None:
        """Writes the first lines and forgets them."""
        try:
            await self._sink.write([self._lines[number] for number in range(count)])
        except SinkRefusedError:
            if count > 1:
                for _ in range(count):
                    await self._write(1)
                return
            self._drop(1, "refused")
        except SinkDownError:
            raise
        except Exception as error:  # the top of a background task: it outlives what a sink does
            raise SinkDownError(type(error).__name__) from error
        else:
            WRITTEN.inc(count)
        for _ in range(count):
            self._grow(-len(self._lines.popleft().json))
        if not self._lines:
            self._arrived.clear()
            self._empty.set()

    def _grow(self, size: int) -> None:
        self._bytes += size
        BUFFERED.set(self._bytes)

    def _drop(self, count: int, reason: str) -> None:
        if count:
            DROPPED.labels(reason).inc(count)
            self._notice("decisions_dropped", reason=reason)

    def _failed(self, error: SinkDownError) -> None:
        SINK_FAILURES.inc()
        self._notice("decision_sink_down", error=str(error), buffered_bytes=self._bytes)

    def _notice(self, event: str, **fields: object) -> None:
        now_s = time.monotonic()
        if now_s >= self._next_notice_s.get(event, 0.0):
            self._next_notice_s[event] = now_s + _NOTICE_INTERVAL_S
            _log.warning(event, **fields)


@asynccontextmanager
async def writing(log: DecisionLog, sink: Sink, *, drain_timeout_s: float) -> AsyncIterator[None]:
    """Runs the log's owner until the block ends, then writes what is left and closes the sink."""
    owner = asyncio.create_task(log.run())
    try:
        yield
    finally:
        await log.drain(drain_timeout_s)
        owner.cancel()
        await asyncio.wait([owner])
        await sink.close()
