"""Bytes in pieces of any size -> lines, or the data of server-sent events, of bounded length."""

from __future__ import annotations

MAX_LINE_BYTES = 1 << 18
"""A longer line could take the JSON parser long enough to be noticed by other callers."""
MAX_EVENT_BYTES = MAX_LINE_BYTES


class LinesError(ValueError):
    """Raised for a line or an event that is too long or not UTF-8."""


class LineDecoder:
    """Decodes lines that end with LF or CRLF; one JSON object per line is such a stream."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """Takes more bytes and returns the lines that they complete, without line ends.

        Raises:
            LinesError: A line is too long or not UTF-8.
        """
        end = (
            data.rfind(b"\n") + 1
        )  # searches the new bytes only, since a line may come byte by byte
        if not end:
            self._rest += data
            if len(self._rest) > MAX_LINE_BYTES:
                raise LinesError("a line is too long")
            return []
        whole = data[:end]
        if self._rest:
            whole = bytes(self._rest) + whole
            self._rest.clear()
        self._rest += data[end:]
        try:
            text = whole.decode("utf-8")
        except UnicodeDecodeError as error:
            raise LinesError("not UTF-8") from error
        return text.replace("\r\n", "\n").split("\n")[:-1]


class SseDecoder:
    """Decodes server-sent events as far as chat completions use them.

    Follows the event stream format of the HTML standard (section 9.2.6): lines end with LF or CRLF.
    Fields other than `data` are skipped, and so are the comments that backends send to keep a
    connection open.
    """

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
