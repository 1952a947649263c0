"""A bounded buffer in front of the sink, so that no answer waits for a write.

`put` never blocks. One task writes the waiting lines in batches; if the sink is down, it tries again
after a pause. A line that finds the buffer full is dropped, not an older one: the records kept then
show the start of an outage without gaps.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Generic

import structlog

from services.router.decision_records.metrics import BUFFERED, DROPPED, SINK_FAILURES, WRITTEN
from services.router.decision_records.sinks import LineT_contra, SinkDownError, SinkRefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.router.decision_records.sinks import LineT, Sink

_MAX_BATCH_LINES = 500
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_WARNING_INTERVAL_S = 60.0
"""Time between two equal log events; a sink that is down would otherwise fill the log."""
_log = structlog.get_logger()


class RecordBuffer(Generic[LineT_contra]):
    """A bounded buffer of lines, and the task that writes them to a sink.

    Args:
        sink: The sink.
        max_bytes: The most bytes that the waiting lines may have together.
        first_pause_s: Pause after the first failed write; it doubles up to 5 s.
    """

    def __init__(self, sink: Sink[LineT_contra], *, max_bytes: int, first_pause_s: float) -> None:
        self._sink = sink
        self._max_bytes = max_bytes
        self._first_pause_s = first_pause_s
        self._lines: deque[LineT_contra] = deque()
        self._bytes = 0
        self._tenant_bytes: Counter[str | None] = Counter()
        self._arrived = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._next_warning_s: dict[str, float] = {}

    def put(self, line: LineT_contra) -> None:
        """Adds a line; if the buffer is full, drops and counts it. Never waits."""
        if not self.offer(line):
            self._drop(1, "full")

    def offer(self, line: LineT_contra, *, tenant_share: float = 1.0) -> bool:
        """Adds a line and returns True; returns False if there is no room. Never waits.

        Args:
            line: The line.
            tenant_share: The part of the buffer that the waiting lines of its tenant may fill.
        """
        tenant_bytes = self._tenant_bytes[line.tenant] + len(line.json)
        if self._bytes + len(line.json) > self._max_bytes:
            return False
        if tenant_bytes > tenant_share * self._max_bytes:
            return False
        self._lines.append(line)
        self._grow(line, 1)
        self._empty.clear()
        self._arrived.set()
        return True

    async def run(self) -> None:
        """Writes the lines that arrive, until it is cancelled."""
        pause_s = self._first_pause_s
        while True:
            await self._arrived.wait()
            try:
                await self._write(min(len(self._lines), _MAX_BATCH_LINES))
            except SinkDownError as error:
                self._failed(error)
                # Jitter: all routers lost the same database at the same moment.
                await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311  # no secret
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                pause_s = self._first_pause_s

    async def drain(self, timeout_s: float) -> None:
        """Waits until all lines are written; at the timeout, drops and counts the rest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        self._drop(len(self._lines), "drain")

    async def _write(self, count: int) -> None:
        """Writes the first lines and removes them."""
        try:
            await self._sink.write([self._lines[index] for index in range(count)])
        except SinkRefusedError:
            if count > 1:
                for _ in range(count):
                    await self._write(1)
                return
            self._drop(1, "refused")
        except SinkDownError:
            raise
        except Exception as error:  # the top of a background task: no error of a sink may end it
            raise SinkDownError(type(error).__name__) from error
        else:
            WRITTEN.inc(count)
        for _ in range(count):
            self._grow(self._lines.popleft(), -1)
        if not self._lines:
            self._arrived.clear()
            self._empty.set()

    def _grow(self, line: LineT_contra, sign: int) -> None:
        size = sign * len(line.json)
        self._bytes += size
        self._tenant_bytes[line.tenant] += size
        if not self._tenant_bytes[line.tenant]:
            del self._tenant_bytes[line.tenant]
        BUFFERED.inc(size)

    def _drop(self, count: int, reason: str) -> None:
        if count:
            DROPPED.labels(reason).inc(count)
            self._warn("decisions_dropped", reason=reason)

    def _failed(self, error: SinkDownError) -> None:
        SINK_FAILURES.inc()
        self._warn("decision_sink_down", error=str(error), buffered_bytes=self._bytes)

    def _warn(self, event: str, **fields: object) -> None:
        now_s = time.monotonic()
        if now_s >= self._next_warning_s.get(event, 0.0):
            self._next_warning_s[event] = now_s + _WARNING_INTERVAL_S
            _log.warning(event, **fields)


@asynccontextmanager
async def open_buffer(
    sink: Sink[LineT],
    *,
    max_bytes: int,
    drain_timeout_s: float,
    first_pause_s: float = _FIRST_PAUSE_S,
) -> AsyncIterator[RecordBuffer[LineT]]:
    """Opens a buffer; when the block ends, writes the remaining lines and closes the sink.

    Args:
        sink: The sink.
        max_bytes: The most bytes that the waiting lines may have together.
        drain_timeout_s: The longest that the remaining lines may take.
        first_pause_s: Pause after the first failed write; it doubles up to 5 s.
    """
    buffer = RecordBuffer(sink, max_bytes=max_bytes, first_pause_s=first_pause_s)
    writer = asyncio.create_task(buffer.run())
    try:
        yield buffer
    finally:
        await buffer.drain(drain_timeout_s)
        writer.cancel()
        await asyncio.wait([writer])
        await sink.close()
