"""Limits of a connection: the size of headers, their time, and the time to take a response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

MAX_HEADER_BYTES = 64 * 1024
"""Most bytes of a request line and headers that are not whole."""
LIVE_PATH = b"/healthz"
"""The path that is answered however many connections there are: a restart would cut them all."""
HEADER_TIMEOUT_S = 20.0
"""Time from a connection, or from the first byte of a further request, to the end of its headers."""

TAKING_TIMEOUT_S = 60.0
"""Time for a client to take what waits to be sent."""


class LimitedConnection(HttpToolsProtocol):
    """A connection with limits that uvicorn lacks."""

    _deadline: asyncio.TimerHandle | None = None
    """Set while headers are awaited."""
    _header_bytes = 0
    _taking_deadline: asyncio.TimerHandle | None = None
    """Set while a response waits for the client."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the time for the first request."""
        super().connection_made(transport)
        self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the time."""
        self._headers_ended()
        self._taken()
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
        """Ends the time, and lifts the limit of connections for the probe of liveness."""
        self._headers_ended()
        is_limited = self.url != LIVE_PATH
        self.limit_concurrency = self.config.limit_concurrency if is_limited else None
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """Starts the time for the client to take what waits."""
        self._taken()
        self._taking_deadline = self.loop.call_later(TAKING_TIMEOUT_S, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        """Ends the time."""
        self._taken()
        super().resume_writing()

    def _taken(self) -> None:
        if self._taking_deadline is not None:
            self._taking_deadline.cancel()
            self._taking_deadline = None

    def _wait_for_headers(self) -> None:
        self._header_bytes = 0
        self._deadline = self.loop.call_later(HEADER_TIMEOUT_S, self.transport.abort)

    def _headers_ended(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
