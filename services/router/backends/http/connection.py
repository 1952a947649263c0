"""Connections to backends, with limits on what surrounds a body.

aiohttp limits the number and length of the headers of one response. It does not limit informational
responses (1xx), responses that no request asked for, and the framing of chunks. It also parses all
bytes that have arrived before anything else can run. `BoundedConnection` closes these gaps.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import ClientPayloadError, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import BadHttpMessage

if TYPE_CHECKING:
    from aiohttp import StreamReader

# Common backends close idle connections after five seconds. Ours close earlier, so that no request
# is sent into a closing one.
_KEEPALIVE_S = 4.0
MAX_INFORMATIONAL_RESPONSES = 16
"""Responses of status 1xx before the one that counts."""
MAX_HEAD_BYTES = 1 << 18
"""Bytes before the body, those of informational responses included."""
MAX_FRAMING_BYTES = 1 << 20
"""Bytes beside the body, beyond as many as the body has: sizes and extensions of chunks, trailers."""
_SLICE_BYTES = 1 << 14
"""Bytes that are parsed before the limits are checked again."""


_parse = ResponseHandler.data_received  # cheaper than `super()`, for each of many small pieces


class FloodError(ClientPayloadError):
    """Raised for a response whose framing exceeds the limits."""


def bounded_connector() -> TCPConnector:
    """Returns a connector without a limit of its own on connections."""
    connector = TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_S)
    # aiohttp has no public parameter for this; tests of malicious backends fail without it.
    factory = partial(BoundedConnection, connector._loop)  # noqa: SLF001
    connector._factory = factory  # type: ignore[assignment]  # noqa: SLF001
    return connector


class BoundedConnection(ResponseHandler):
    """Parses responses in slices, and closes the connection when a response exceeds the limits."""

    _informational_responses = 0
    _received_bytes = 0
    """Bytes of the current response, with its head."""
    _body: StreamReader | None = None
    """The body of the current response; None until its head is complete."""
    _flood: FloodError | None = None
    """The reason for which the connection was closed here."""

    def set_response_params(self, **parameters: Any) -> None:
        """Starts a new response."""
        self._informational_responses = self._received_bytes = 0
        self._body = None
        super().set_response_params(**parameters)

    def data_received(self, data: bytes) -> None:
        """Parses bytes from the socket; empty bytes resume the parser after a pause."""
        size = len(data)
        if size > _SLICE_BYTES:
            for start in range(0, size, _SLICE_BYTES):
                if self.exception() is None:
                    self.data_received(data[start : start + _SLICE_BYTES])
            return
        self._received_bytes += size
        _parse(self, data)
        if self._received_bytes > MAX_HEAD_BYTES:
            self._check_framing()

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Takes a response whose head has been parsed."""
        message, body = data
        if 100 <= message.code < 200 and message.code != 101:
            self._informational_responses += 1
            if self._informational_responses > MAX_INFORMATIONAL_RESPONSES:
                self._refuse("too many informational responses")
        elif self._body is None:
            self._body = body
        else:
            self._refuse("a second response to one request")
        if self.exception() is None:
            super().feed_data(data, size)

    def _check_framing(self) -> None:
        if self.exception() is not None:
            return
        if self._body is None:
            self._refuse("the head is too long")
        elif self._received_bytes > MAX_FRAMING_BYTES + 2 * self._body.total_bytes:
            self._refuse("too much framing")

    def set_exception(self, error: BaseException, *cause: BaseException) -> None:
        """Ends the response, and its body too: aiohttp leaves one waiting if its trailers are bad."""
        super().set_exception(error, *cause)
        if self._body is not None and not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(ClientPayloadError(str(error)))

    def connection_lost(self, error: BaseException | None) -> None:
        """Ends the response; a refused body keeps the reason for its end."""
        super().connection_lost(error)
        self._end_body()

    def _refuse(self, reason: str) -> None:
        """Ends the response and its connection."""
        self._flood = FloodError(reason)
        self._end_body()
        self.set_exception(BadHttpMessage(reason))
        if self.transport is not None:
            self.transport.abort()

    def _end_body(self) -> None:
        if self._flood is not None and self._body is not None and not self._body.is_eof():
            self._body.set_exception(self._flood)
