"""Server-sent events: bytes in pieces of any size -> the data of each event.

Follows the event stream format of the HTML standard (section 9.2.6) as far as chat completions use it:
lines end with LF or CRLF; fields other than `data` are skipped, and so are comments, which backends
send to keep a line open.
"""

from __future__ import annotations

from services.router.backends.http.lines import MAX_LINE_BYTES, LineDecoder, LinesError

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
        events: list[str] = []
        for line in self._lines.feed(data):
            if line.startswith("data:") or line == "data":
                self._data.append(line[5:].removeprefix(" "))
                self._data_characters += len(line)
                if self._data_characters > MAX_EVENT_BYTES:
                    raise LinesError("an event is too long")
            elif not line and self._data:
                events.append("\n".join(self._data))
                self._data.clear()
                self._data_characters = 0
        return events
