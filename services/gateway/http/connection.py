"""Limits of a connection before a request is whole: the size of its headers and their time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

MAX_HEADER_BYTES = 64 * 1024
"""Most bytes of a request line and headers that are not whole."""
HEADER_TIMEOUT_S = 20.0
"""Time from a connection, or from the first byte of a further request, to the end of its headers."""


class LimitedConnection(HttpToolsProtocol):
    """A connection whose headers are bounded; uvicorn bounds neither their size nor their time."""

    _deadline: asyncio.TimerHandle | None = None
    """Set while headers are awaited."""
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the time for the first request."""
        super().connection_made(transport)
        self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the time."""
        self._headers_ended()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts the bytes of headers that are not whole."""
        super().data_received(data)
        if self._deadline is None:
            return
        self._header_bytes += len(data)
        if self._header_bytes > MAX_HEADER_BYTES and not self.transport.is_closing():
            self.send_400_response("The headers are too large.")

    def on_message_begin(self) -> None:
        """Starts the time for a further request."""
        super().on_message_begin()
        if self._deadline is None:
            self._wait_for_headers()

    def on_headers_complete(self) -> None:
        """Ends the time."""
        self._headers_ended()
        super().on_headers_complete()

    def _wait_for_headers(self) -> None:
        self._header_bytes = 0
        self._deadline = self.loop.call_later(HEADER_TIMEOUT_S, self.transport.abort)

    def _headers_ended(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
