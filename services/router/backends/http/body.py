"""Reads the body of a reply in small pieces, so that no backend holds the event loop.

bytes that have arrived -> pieces of bounded size, with a turn for other tasks between two of them
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.connection import FloodError
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from services.router.backends.http.exchange import Exchange

BUFFER_BYTES = 1 << 14
"""aiohttp stops reading from the socket at twice these bytes, or at a sixteenth as many chunks."""
PIECE_BYTES = 1 << 14
"""Largest piece."""
_IDLE_PIECE_BYTES = 1 << 12
"""Largest piece after one without text: empty events of a few bytes each take long to parse."""
_MAX_IDLE_BYTES = 1 << 20
"""Bytes without text that are allowed for comments and for the frame of events."""
_IDLE_BYTES_PER_TOKEN = 512
"""Further bytes per token of the longest reply: some backends hide text, but not its events."""
_MAX_WHOLE_BYTES = 1 << 24


class BoundedBody:
    """The pieces of a body.

    Args:
        response: The response.
        exchange: Its exchange. A stretch of the body without text or reasoning is limited.
    """

    def __init__(self, response: ClientResponse, exchange: Exchange) -> None:
        self._content = response.content
        self._exchange = exchange
        self._max_idle_bytes = (
            _MAX_IDLE_BYTES + _IDLE_BYTES_PER_TOKEN * exchange.model.max_reply_tokens
        )
        self._idle_bytes = 0
        self._characters = 0
        """Characters at the last check of the idle bytes."""
        self._known_characters = -1
        """Characters at the last long piece."""
        self._taken_bytes = 0
        self._rest = b""

    async def read(self) -> bytes:
        """Returns the next piece; an empty one at the end.

        Raises:
            AttemptFailedError: The body exceeds a limit.
            aiohttp.ClientError, OSError: It breaks off.
        """
        if self._rest:
            await asyncio.sleep(0)
            return self._first_of(self._rest)
        content = self._content
        if content.total_bytes > self._taken_bytes:
            # Bytes are waiting, so reading them would not let other tasks run.
            await asyncio.sleep(0)
        try:
            piece = await content.readany()
        except FloodError as error:
            raise AttemptFailedError(CallStatus.MALFORMED) from error
        size = len(piece)
        self._taken_bytes += size
        if size > _IDLE_PIECE_BYTES:
            return self._first_of(piece)
        self._idle_bytes += size
        if self._idle_bytes > self._max_idle_bytes:
            self._check_progress()
        return piece

    def _first_of(self, data: bytes) -> bytes:
        """Returns the next piece of data that has come, and keeps the rest."""
        before, self._known_characters = self._known_characters, self._exchange.received_characters
        size = PIECE_BYTES if self._known_characters != before else _IDLE_PIECE_BYTES
        piece, self._rest = data[:size], data[size:]
        self._idle_bytes += len(piece)
        if self._idle_bytes > self._max_idle_bytes:
            self._check_progress()
        return piece

    def _check_progress(self) -> None:
        characters = self._exchange.received_characters
        if characters == self._characters:
            raise AttemptFailedError(CallStatus.MALFORMED)
        self._characters = characters
        self._idle_bytes = 0


async def read_whole(response: ClientResponse) -> bytes:
    """Returns a body of bounded length.

    Raises:
        aiohttp.ClientError, OSError: It breaks off.
        AttemptFailedError: It is too long or compressed.
    """
    refuse_compression(response)
    body = bytearray()
    while data := await response.content.readany():
        body += data
        if len(body) > _MAX_WHOLE_BYTES:
            raise AttemptFailedError(CallStatus.MALFORMED)
    return bytes(body)


def refuse_compression(response: ClientResponse) -> None:
    """Refuses a compressed body, which the request has ruled out; other statuses tell more.

    Raises:
        AttemptFailedError: The body is compressed.
    """
    if response.status != HTTPStatus.OK:
        return
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() not in {"", "identity"}:
        raise AttemptFailedError(CallStatus.MALFORMED)
