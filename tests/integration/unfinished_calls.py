"""A caller that begins calls and never finishes their messages, as no gRPC client does."""

from __future__ import annotations

import asyncio
import struct
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 8
_ACK, _END_STREAM, _END_HEADERS = 1, 1, 4
_INITIAL_WINDOW = 4
_FRAME_BYTES = 16_384
_WINDOW_BYTES = 65_535


@dataclass(slots=True)
class _Stream:
    window: int
    left: int


@dataclass(slots=True)
class UnfinishedCalls:
    """The calls of one connection.

    Args:
        reader: Reads from the service.
        writer: Writes to it.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sent_bytes: int = 0
    ended: int = 0
    """Calls that the service has ended."""
    _window: int = _WINDOW_BYTES
    _first_window: int = _WINDOW_BYTES
    _streams: dict[int, _Stream] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, path: str, count: int, *, message_bytes: int, sent_bytes: int) -> None:
        """Begins calls whose messages are so long; so many bytes of each are sent in time."""
        for _ in range(count):
            number = 2 * (len(self._streams) + self.ended) + 1
            headers = b"".join(
                b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value
                for name, value in (
                    (b":method", b"POST"),
                    (b":scheme", b"http"),
                    (b":path", path.encode()),
                    (b":authority", b"x"),
                    (b"content-type", b"application/grpc"),
                    (b"te", b"trailers"),
                )
            )
            self._write(_HEADERS, headers, number, flags=_END_HEADERS)
            self._streams[number] = _Stream(window=self._first_window, left=sent_bytes)
            self._send(number, b"\0" + struct.pack(">I", message_bytes))

    async def push(self, span_s: float, watch: Callable[[], None]) -> None:
        """Sends what the service takes, for so long or until all calls have ended."""
        end_s = time.monotonic() + span_s
        while self._streams and time.monotonic() < end_s:
            watch()
            self._changed.clear()
            pushed = [self._push(number) for number in self._streams]
            if not any(pushed):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), 0.05)
            await self.writer.drain()

    async def read(self) -> None:
        """Follows the service's frames until it closes the connection."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await self.reader.readexactly(9)
                payload = await self.reader.readexactly(int.from_bytes(head[:3], "big"))
                number = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
                self._follow(head[3], head[4], number, payload)
                self._changed.set()

    def _follow(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if kind == _SETTINGS and not flags & _ACK:
            for offset in range(0, len(payload), 6):
                name, value = struct.unpack_from(">HI", payload, offset)
                if name == _INITIAL_WINDOW:
                    self._first_window = value
            self._write(_SETTINGS, b"", 0, flags=_ACK)
        elif kind == _PING and not flags & _ACK:
            self._write(_PING, payload, 0, flags=_ACK)
        elif kind == _WINDOW_UPDATE and number == 0:
            self._window += int.from_bytes(payload, "big")
        elif kind == _WINDOW_UPDATE and number in self._streams:
            self._streams[number].window += int.from_bytes(payload, "big")
        elif kind == _RESET or (kind == _HEADERS and flags & _END_STREAM):
            self.ended += self._streams.pop(number, None) is not None

    def _push(self, number: int) -> bool:
        stream = self._streams[number]
        size = min(stream.window, self._window, stream.left, _FRAME_BYTES)
        if size > 0:
            stream.left -= size
            self._send(number, bytes(size))
        return size > 0

    def _send(self, number: int, data: bytes) -> None:
        self._streams[number].window -= len(data)
        self._window -= len(data)
        self.sent_bytes += len(data)
        self._write(_DATA, data, number)

    def _write(self, kind: int, payload: bytes, number: int, *, flags: int = 0) -> None:
        head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + number.to_bytes(4, "big")
        self.writer.write(head + payload)


@asynccontextmanager
async def unfinished_calls(address: str) -> AsyncIterator[UnfinishedCalls]:
    """Opens a connection, and closes it at the end."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    calls = UnfinishedCalls(reader, writer)
    writer.write(_PREFACE + bytes((0, 0, 0, _SETTINGS, 0, 0, 0, 0, 0)))
    reading = asyncio.create_task(calls.read())
    try:
        yield calls
    finally:
        reading.cancel()
        writer.close()
