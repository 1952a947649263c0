"""Building blocks of malicious replies: each returns a mode, which writes one reply."""

from __future__ import annotations

import asyncio
import functools
import json
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

Mode = Callable[[asyncio.StreamWriter], Awaitable[None]]
RIGHT = "42"
"""The answer of every reply that is whole."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
OPEN = HEAD + b"Connection: close\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"data: [DONE]\n\n"
_BLOCK_BYTES = 1 << 16
_RESET = struct.pack("ii", 1, 0)


def event(data: bytes | dict[str, Any]) -> bytes:
    """Returns a server-sent event."""
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return b"data: " + text + b"\n\n"


def delta(content: object, finish_reason: str | None = None, **fields: Any) -> bytes:
    """Returns an event with a piece of text."""
    inner = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": inner, "finish_reason": finish_reason}
    return event({"choices": [choice], **fields})


WHOLE = delta(RIGHT) + delta(None, "stop") + END


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    """Returns a chunk of a chunked body."""
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data)


def sized(body: bytes, headers: bytes = b"", claimed: int | None = None) -> bytes:
    """Returns a response with a content length."""
    length = b"Content-Length: %d\r\n\r\n" % (len(body) if claimed is None else claimed)
    return HEAD + headers + b"Connection: close\r\n" + length + body


def raw(*parts: bytes) -> Mode:
    """Writes bytes at once."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(parts))
        await writer.drain()

    return write


def events(*data: bytes, end: bytes = END) -> Mode:
    """Writes events with the given data, as a whole response."""
    return raw(sized(b"".join(map(event, data)) + end))


def flood(start: bytes, repeated: bytes, megabytes: int = 8) -> Mode:
    """Writes the same bytes again and again, as fast as they are read."""
    block = repeated * (_BLOCK_BYTES // len(repeated) + 1)

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        for _ in range(megabytes * (1 << 20) // len(block) + 1):
            writer.write(block)
            await writer.drain()

    return write


def drip(start: bytes, rest: bytes, pause_s: float = 0.02) -> Mode:
    """Writes one byte at a time."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        for number in range(len(rest)):
            writer.write(rest[number : number + 1])
            await writer.drain()
            await asyncio.sleep(pause_s)

    return write


def silent(start: bytes = b"") -> Mode:
    """Writes the start and then nothing, for longer than any caller waits."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        await writer.drain()
        await asyncio.sleep(60)

    return write


def trickle(start: bytes, repeated: bytes, pause_s: float = 0.01) -> Mode:
    """Writes the same bytes again and again, at a pace that no limit on bytes ends."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(repeated)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return write


def reset(start: bytes) -> Mode:
    """Writes the start and resets the connection."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        await writer.drain()
        linked: socket.socket = writer.get_extra_info("socket")
        linked.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()

    return write


def bomb(encoding: bytes, content_type: bytes, inflated: bytes, megabytes: int = 32) -> Mode:
    """Writes a small body that inflates to a large one."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Encoding: %b\r\n"

    async def write(writer: asyncio.StreamWriter) -> None:
        body = _packed(encoding, inflated, megabytes * (1 << 20) // len(inflated))
        length = b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(head % (content_type, encoding) + length + body)
        await writer.drain()

    return write


@functools.cache
def _packed(encoding: bytes, inflated: bytes, times: int) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31 if encoding == b"gzip" else 15)
    return b"".join(packer.compress(inflated) for _ in range(times)) + packer.flush()
