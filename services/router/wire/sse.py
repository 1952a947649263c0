"""Server-sent events: bytes in pieces of any size -> the data of each event.

Follows the event stream format of the HTML standard (section 9.2.6) as far as chat completions use it:
lines end with LF or CRLF; fields other than `data` are skipped, and so are comments, which backends
send to keep a line open.
"""

from __future__ import annotations

from services.router.wire.lines import MAX_LINE_BYTES, LineDecoder, LinesError

MAX_EVENT_BYTES = MAX_LINE_BYTES


class SseDecoder:
    """Decodes one stream."""

    def __init__(self) -> None:
        self._lines = LineDecoder()
        self._data: list[str] = []
        self._data_characters = 0

    def feed(self, data: bytes) -> list[str]:
        """Takes more bytes and returns the data of the events that they complete.

        Raises:
            LinesError: An event is too long or not UTF-8.
        """
        lines = self._lines.feed(data)
        return [event for line in lines if (event := self._line(line)) is not None]

    def _line(self, line: str) -> str | None:
        if line:
            name, _, value = line.partition(":")
            if name == "data":
                self._data.append(value.removeprefix(" "))
                self._data_characters += len(value)
                if self._data_characters > MAX_EVENT_BYTES:
                    raise LinesError("an event is too long")
            return None
        if not self._data:
            return None
        event = "\n".join(self._data)
        self._data, self._data_characters = [], 0
        return event
