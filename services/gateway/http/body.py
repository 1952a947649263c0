"""Reads the body of a request, within limits of size, memory, time and depth."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from services.gateway.api import ApiError, ErrorKind
from services.gateway.http.client_watch import ClientGoneError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from services.gateway.http.exchange import Exchange

MAX_BODY_BYTES = 20 * 1024 * 1024
"""The router's 8 MiB of media in base64, and a million characters with their escapes."""
MAX_HELD_BYTES = 4 * MAX_BODY_BYTES
"""Most bytes of the bodies of all requests in flight. Their parsed forms take three times that."""
MAX_DISCARDED_BYTES = 2 * MAX_BODY_BYTES
"""A body that is too large is read up to here, since most clients read no response before they have
sent everything."""
BODY_TIMEOUT_S = 60.0
RETRY_AFTER_S = 1.0


class Bodies:
    """The bodies of the requests in flight."""

    def __init__(self) -> None:
        self._held_bytes = 0

    @contextmanager
    def of(self, exchange: Exchange) -> Iterator[Body]:
        """Yields the body of a request, whose bytes count until the block ends."""
        body = Body(exchange, self)
        try:
            yield body
        finally:
            self._held_bytes -= body.size

    def hold(self, count: int) -> None:
        """Counts further bytes.

        Raises:
            ApiError: There are too many of them.
        """
        if self._held_bytes + count > MAX_HELD_BYTES:
            raise ApiError(
                ErrorKind.OVERLOADED,
                "the gateway holds as many bytes of requests as it can",
                retry_after_s=RETRY_AFTER_S,
                retryable=True,
            )
        self._held_bytes += count


class Body:
    """The body of one request."""

    def __init__(self, exchange: Exchange, bodies: Bodies) -> None:
        self._exchange = exchange
        self._bodies = bodies
        self.size = 0

    async def json(self) -> dict[str, Any]:
        """Returns the body, which must be a JSON object.

        Raises:
            ApiError: It is none, is too large, or takes too long to arrive.
            ClientGoneError: The client went away.
        """
        _check_headers(self._exchange.headers)
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                data = await self._read()
        except TimeoutError:
            message = f"the body did not arrive within {BODY_TIMEOUT_S:g} s"
            raise ApiError(ErrorKind.TIMEOUT, message, retryable=True) from None
        return _parsed(data)

    async def _read(self) -> bytes:
        pieces: list[bytes] = []
        more, received = True, 0
        while more:
            message = await self._exchange.receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            piece = message.get("body", b"")
            more = message.get("more_body", False)
            received += len(piece)
            if received <= MAX_BODY_BYTES:
                self._bodies.hold(len(piece))
                self.size = received
                pieces.append(piece)
            elif received > MAX_DISCARDED_BYTES:
                break
            else:
                pieces.clear()
        if received > MAX_BODY_BYTES:
            raise _too_large()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _check_headers(headers: Mapping[str, str]) -> None:
    # A web page elsewhere can send other types without asking, so that it could spend money here.
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise ApiError(ErrorKind.INVALID_REQUEST, "the Content-Type must be application/json")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise ApiError(ErrorKind.INVALID_REQUEST, "the body must not have a Content-Encoding")
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > MAX_DISCARDED_BYTES:
        raise _too_large()


def _too_large() -> ApiError:
    message = f"the body must have at most {MAX_BODY_BYTES:,} bytes"
    return ApiError(ErrorKind.TOO_LARGE, message)


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        parsed = from_json(data, allow_inf_nan=False)  # refuses more than 200 levels
    except ValueError as error:
        message = f"the body is not JSON that can be read: {error}"
        raise ApiError(ErrorKind.INVALID_REQUEST, message) from None
    if not isinstance(parsed, dict):
        raise ApiError(ErrorKind.INVALID_REQUEST, "the body must be a JSON object")
    return parsed
