"""Records as JSON lines on standard output, for whatever collects the process's output.

A reader that stalls blocks nothing but the owner of the buffer, and that only for a while: each write
waits for room first. A line is safe once the pipe has it.
"""

from __future__ import annotations

import asyncio
import os
import select
import sys
from typing import TYPE_CHECKING

from services.router.decision_records.sink import SinkDownError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.decision_records.sink import Line

_CHUNK_BYTES = min(select.PIPE_BUF, 4096)
"""What a pipe with room is sure to take at once."""


class StdoutSink:
    """Writes to a file descriptor, standard output unless told otherwise.

    Args:
        descriptor: What to write to.
        patience_s: How long it may take no more until it counts as down.
    """

    def __init__(self, descriptor: int | None = None, *, patience_s: float = 1.0) -> None:
        self._patience_s = patience_s
        self._descriptor = sys.stdout.fileno() if descriptor is None else descriptor
        self._rest = b""
        """Of the lines given last, what is not written yet."""

    async def write(self, lines: Sequence[Line]) -> None:
        """Writes the lines, going on inside the one in which the write before failed.

        Raises:
            SinkDownError: Nobody reads.
        """
        if not self._rest:
            self._rest = b"".join(line.json + b"\n" for line in lines)
        await asyncio.to_thread(self._push)

    async def close(self) -> None:
        """Leaves the descriptor as it is: it is the process's."""

    def _push(self) -> None:
        try:
            while self._rest:
                if not select.select([], [self._descriptor], [], self._patience_s)[1]:
                    raise SinkDownError("nobody reads standard output")
                written = os.write(self._descriptor, self._rest[:_CHUNK_BYTES])
                self._rest = self._rest[written:]
        except OSError as error:
            raise SinkDownError(str(error)) from error
