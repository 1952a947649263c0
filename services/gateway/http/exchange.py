"""One request and its response, over ASGI."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from services.rpc.tracing.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Message, Receive, Scope, Send

MAX_REQUEST_ID_CHARACTERS = 128
"""A longer id is cut: it goes into log lines, responses and calls to the router."""
JSON = b"application/json"
EVENT_STREAM = b"text/event-stream; charset=utf-8"
_COMMON = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    # For proxies that collect a response before they pass it on.
    (b"x-accel-buffering", b"no"),
)


class Exchange:
    """A request, and the response that is sent for it.

    Args:
        scope: ASGI's description of the request.
        receive: ASGI's source of the body, and of the client's end.
        send: ASGI's sink of the response.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers: Mapping[str, str] = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        """By their names in lower case; of several of one name, the last."""
        self.path: str = scope["path"]
        self.request_id = _request_id(self.headers.get("x-request-id", ""))
        self.started_s = time.perf_counter()
        self.status: int | None = None
        """The status that was sent; None before."""
        self.is_whole = False
        """True if the whole response was sent."""
        self.first_byte_s: float | None = None
        """The time from the request to the first byte of the body."""
        self.origin = Origin(request_id=self.request_id)
        """The request as the call that others are made for."""
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        """Returns the next piece of the body, or the client's end."""
        return await self._receive()

    async def start(
        self, status: int, content_type: bytes, headers: Mapping[str, str], length: int | None
    ) -> None:
        """Sends the status and the headers."""
        self.status = status
        request_id = self.request_id.encode("ascii")
        raw = [
            (b"content-type", content_type),
            (b"x-request-id", request_id),
            (b"request-id", request_id),
            *_COMMON,
            *((name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()),
        ]
        if length is not None:
            raw.append((b"content-length", b"%d" % length))
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, data: bytes, *, more: bool = True) -> None:
        """Sends a piece of the body."""
        if self.first_byte_s is None:
            self.first_byte_s = time.perf_counter() - self.started_s
        self.is_whole = not more
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def send_json(
        self, status: int, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> None:
        """Sends a whole response."""
        data = to_json(body)
        await self.start(status, JSON, headers, len(data))
        await self.write(data, more=False)


def _request_id(given: str) -> str:
    """Returns the caller's id, or a new one if that is missing or cannot be logged as it is."""
    given = given[:MAX_REQUEST_ID_CHARACTERS]
    if given and given.isascii() and given.isprintable():
        return given
    return f"{random.getrandbits(128):032x}"  # unique, not secret
