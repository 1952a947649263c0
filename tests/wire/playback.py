"""A server on loopback that answers any request with bytes, in pieces of a given size."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tests.wire.transcript import End

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping

_RESET = struct.pack("ii", 1, 0)
"""`SO_LINGER` that makes `close` a reset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What is answered."""

    body: bytes
    http_status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/event-stream"})
    end: End = End.WHOLE
    piece_bytes: int = 1 << 16
    repeat: bool = False
    """Whether the body is sent again and again, for ever."""
    pause_s: float = 0.0
    """Time between two repetitions."""


@dataclass(slots=True)
class Playback:
    """The server while it runs."""

    response: Response
    at: Mapping[str, Response]
    """What is answered at single paths instead."""
    url: str = ""
    path: str = ""
    """Of the last request, as are the following."""
    headers: dict[str, str] = field(default_factory=dict)
    payload: Any = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the requests of one connection."""
        try:
            while await self._read(reader):
                response = self.at.get(self.path, self.response)
                await _write(response, writer)
                if response.end is not End.WHOLE:
                    await _end(response, reader, writer)
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has seen enough
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> bool:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return False
        request, *lines = head.strip().split("\r\n")
        self.path = request.split(" ")[1]
        self.headers = dict(line.split(": ", 1) for line in lines)
        body = await reader.readexactly(int(self.headers.get("Content-Length", "0")))
        self.payload = json.loads(body) if body else None
        return True


async def _write(response: Response, writer: asyncio.StreamWriter) -> None:
    phrase = HTTPStatus(response.http_status).phrase
    headers = {**response.headers, "Transfer-Encoding": "chunked"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {response.http_status} {phrase}\r\n{lines}\r\n".encode())
    while True:
        for start in range(0, len(response.body), response.piece_bytes):
            piece = response.body[start : start + response.piece_bytes]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        if not response.repeat:
            break
        await asyncio.sleep(response.pause_s)
    if response.end is End.WHOLE:
        writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _end(
    response: Response, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    if response.end is End.HALF_CLOSED:
        writer.write_eof()
    if response.end in {End.HALF_CLOSED, End.OPEN}:
        await reader.read()  # until the client closes its half
    if response.end is End.RESET:
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


@asynccontextmanager
async def playing(
    response: Response,
    *,
    at: Mapping[str, Response] | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Playback]:
    """Runs a server that gives one response to every request, but those at the paths of `at`."""
    playback = Playback(response, at or {})
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(playback.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    playback.url = f"{'http' if tls is None else 'https'}://localhost:{port}"
    try:
        yield playback
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
