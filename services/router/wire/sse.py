"""Server-sent events: bytes in pieces of any size -> the data of each event.

Follows the event stream format of the HTML standard (section 9.2.6) as far as chat completions use it:
lines end with LF or CRLF; fields other than `data` are skipped, and so are comments, which backends
send to keep a line open.
"""

from __future__ import annotations

MAX_EVENT_BYTES = 1 << 20


class SseError(ValueError):
    """Raised for bytes that are no event stream."""


class SseDecoder:
    """Decodes one stream."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._data: list[str] = []
        self._data_characters = 0

    def feed(self, data: bytes) -> list[str]:
        """Takes more bytes and returns the data of the events that they complete.

        Raises:
            SseError: An event is too long or not UTF-8.
        """
        self._buffer += data
        end = self._buffer.rfind(b"\n")
        if end < 0:
            if len(self._buffer) > MAX_EVENT_BYTES:
                raise SseError("a line of the event stream is too long")
            return []
        whole, self._buffer = self._buffer[: end + 1], self._buffer[end + 1 :]
        try:
            lines = whole.decode("utf-8").replace("\r\n", "\n").split("\n")
        except UnicodeDecodeError as error:
            raise SseError("the event stream is not UTF-8") from error
        return [event for line in lines[:-1] if (event := self._line(line)) is not None]

    def _line(self, line: str) -> str | None:
        if line:
            name, _, value = line.partition(":")
            if name == "data":
                self._data.append(value.removeprefix(" "))
                self._data_characters += len(value)
                if self._data_characters > MAX_EVENT_BYTES:
                    raise SseError("an event is too long")
            return None
        if not self._data:
            return None
        event = "\n".join(self._data)
        self._data, self._data_characters = [], 0
        return event
