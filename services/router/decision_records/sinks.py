"""The interface of a sink of records, and the sink for standard output."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.router.decision_records.record import DecisionRecord

_CHUNK_BYTES = min(select.PIPE_BUF, 4096)
"""A pipe with room accepts a write of this size without blocking."""


class SinkDownError(Exception):
    """Raised if nothing can be written now; the same lines must be written again later."""


class SinkRefusedError(Exception):
    """Raised if a line can never be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A record ready to be written: one line of JSON, and the columns for tables."""

    id: str
    time: datetime
    tenant: str | None
    strategy: str
    outcome: str
    final_model_id: str | None
    cost_usd: float
    json: bytes
    """UTF-8, without a line end."""


def line_of(record: DecisionRecord) -> Line:
    """Returns the line of a record."""
    return Line(
        id=record.id,
        time=record.time,
        tenant=record.tenant,
        strategy=record.strategy,
        outcome=record.outcome.value,
        final_model_id=record.final_model_id,
        cost_usd=record.totals.cost_usd,
        json=record.model_dump_json(exclude_none=True).encode(),
    )


class AnyLine(Protocol):
    """A line of any kind."""

    @property
    def tenant(self) -> str | None:
        """The tenant whose answer it is about; None if there are no tenants."""

    @property
    def json(self) -> bytes:
        """UTF-8, without a line end."""


LineT = TypeVar("LineT", bound=AnyLine)
LineT_contra = TypeVar("LineT_contra", bound=AnyLine, contravariant=True)


class Sink(Protocol[LineT_contra]):
    """Writes lines. Only one task ever uses a sink."""

    async def write(self, lines: Sequence[LineT_contra]) -> None:
        """Writes one or more lines; returns when they are safe, as each sink defines it.

        After `SinkDownError` the next call begins with the same lines.

        Raises:
            SinkDownError: Nothing can be written now.
            SinkRefusedError: One of the lines can never be written; no line was written.
        """

    async def close(self) -> None:
        """Releases the resources of the sink."""


class StdoutSink:
    """Writes JSON lines to standard output, for the collector of the process's output.

    A line is safe once it is in the pipe. Each write first waits for room, so a reader that stalls
    blocks a thread for at most `patience_s`.

    Args:
        descriptor: The file descriptor; None means standard output.
        patience_s: Time without room until the sink counts as down.
    """

    def __init__(self, descriptor: int | None = None, *, patience_s: float = 1.0) -> None:
        self._patience_s = patience_s
        self._descriptor = sys.stdout.fileno() if descriptor is None else descriptor
        self._rest = b""
        """The unwritten rest of the lines of the last call."""

    async def write(self, lines: Sequence[AnyLine]) -> None:
        """Writes the lines; after a failed write, continues where it stopped.

        Raises:
            SinkDownError: The pipe has no room, or no reader.
        """
        if not self._rest:
            self._rest = b"".join(line.json + b"\n" for line in lines)
        await asyncio.to_thread(self._push)

    async def close(self) -> None:
        """Does nothing: the descriptor belongs to the process."""

    def _push(self) -> None:
        try:
            while self._rest:
                if not select.select([], [self._descriptor], [], self._patience_s)[1]:
                    raise SinkDownError("standard output has no reader that keeps up")
                written = os.write(self._descriptor, self._rest[:_CHUNK_BYTES])
                self._rest = self._rest[written:]
        except OSError as error:
            raise SinkDownError(str(error)) from error
