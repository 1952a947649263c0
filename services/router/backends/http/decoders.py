"""Bytes in pieces of any size -> lines, or the data of server-sent events, of bounded length."""

from __future__ import annotations

import json

MAX_LINE_BYTES = 1 << 18
"""A longer line could take the JSON parser long enough to be noticed by other callers."""
MAX_EVENT_BYTES = MAX_LINE_BYTES
MAX_EVENT_LINES = 16_384
_BOM = "\ufeff"
_JSON_STARTS = ("{", "[")
_DATA = "data: "
_EVENT_END = "\n\n"


class LinesError(ValueError):
    """Raised for a line or an event that is too long or not UTF-8."""


class LineDecoder:
    """Decodes lines that end with LF, CRLF or CR; one JSON object per line is such a stream."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._begun = False
        self._after_cr = False
        """True if the last byte was a CR, so that a LF belongs to the same line end."""

    def feed(self, data: bytes) -> list[str]:
        """Takes more bytes and returns the lines that they complete, without line ends.

        Raises:
            LinesError: A line is too long or not UTF-8.
        """
        return self.whole_lines(data).split("\n")[:-1]

    def whole_lines(self, data: bytes) -> str:
        """Takes more bytes and returns the lines that they complete as one text, each with a LF.

        Raises:
            LinesError: A line is too long or not UTF-8.
        """
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        # Searches the new bytes only, since a line may come byte by byte.
        end = data.rfind(b"\n") + 1
        has_cr = b"\r" in data
        if has_cr:
            end = max(end, data.rfind(b"\r") + 1)
            self._after_cr = data.endswith(b"\r")
        if not end:
            self._rest += data
            if len(self._rest) > MAX_LINE_BYTES:
                raise LinesError("a line is too long")
            return ""
        whole = data[:end]
        if self._rest:
            whole = bytes(self._rest) + whole
            self._rest.clear()
        self._rest += data[end:]
        text = self._text(whole)
        if has_cr:  # what was kept from before holds no line end
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return text

    def finish(self) -> list[str]:
        """Returns the last line if it has no end; none if it breaks off within a character."""
        rest = bytes(self._rest)
        self._rest.clear()
        try:
            return [self._text(rest)] if rest else []
        except LinesError:
            return []

    def _text(self, data: bytes) -> str:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise LinesError("not UTF-8") from error
        if not self._begun:
            self._begun = True
            text = text.removeprefix(_BOM)
        return text


class SseDecoder:
    """Decodes server-sent events as far as chat completions use them.

    Follows the event stream format of the HTML standard (section 9.2.6), and is tolerant where backends
    and their gateways are careless: an event of the type `error`, and the field `error` of older
    servers, become an object with an `error`; JSON without any field name counts as an event, so that
    a body that is one JSON object is read whatever its content type says. Other fields are skipped, and
    so are the comments that backends send to keep a connection open.
    """

    def __init__(self) -> None:
        self._lines = LineDecoder()
        self._data: list[str] = []
        self._pending_bytes = 0
        self._is_error = False
        self._is_bare = False
        """True if the pending data is JSON without a field name."""

    def feed(self, data: bytes) -> list[str]:
        """Takes more bytes and returns the data of the events that they complete.

        Raises:
            LinesError: An event is too long or not UTF-8.
        """
        text = self._lines.whole_lines(data)
        was_pending = bool(self._data)
        if not was_pending and not self._is_error and (whole := _whole_events(text)):
            return whole
        events: list[str] = []
        for line in text.split("\n")[:-1]:
            if line.startswith("data:"):
                if self._is_bare:
                    events.append(self._event())
                self._data.append(line[5:].removeprefix(" "))
            elif line:
                self._other_line(line)
            elif not self._data:
                self._is_error = False
            elif self._is_error or self._is_bare:
                events.append(self._event())
            else:  # by far the most frequent case
                events.append("\n".join(self._data))
                self._data.clear()
                self._pending_bytes = 0
        if self._data:
            self._check_size(data)
            if not was_pending and self._is_whole():
                events.append(self._event())  # its blank line may come only with the next event
        return events

    def finish(self) -> list[str]:
        """Returns the event that is pending at the end of the stream, if any."""
        events: list[str] = []
        for line in self._lines.finish():
            events += self.feed(f"{line}\n".encode())
        return [*events, self._event()] if self._data else events

    def _other_line(self, line: str) -> None:
        name, _, value = line.partition(":")
        if self._is_bare:
            self._data.append(line)
        elif line.lstrip().startswith(_JSON_STARTS):
            self._is_bare = True
            self._data.append(line)
        elif name == "event":
            self._is_error = value.strip() == "error"
        elif name == "error":
            self._is_error = True
            self._data.append(value.strip())
        elif line == "data":
            self._data.append("")

    def _check_size(self, data: bytes) -> None:
        """Bounds the pending event by the bytes that have come since it was empty."""
        self._pending_bytes += len(data)
        if self._pending_bytes > MAX_EVENT_BYTES or len(self._data) > MAX_EVENT_LINES:
            raise LinesError("an event is too long")

    def _is_whole(self) -> bool:
        """Returns whether the pending lines are whole objects: further ones could only spoil them.

        It is asked once per event, so that an event in many pieces costs no more than its length.
        """
        if not self._data[-1].rstrip().endswith(("}", "]")):
            return False
        if isinstance(_parsed("\n".join(self._data)), dict):
            return True
        return all(line == "[DONE]" or isinstance(_parsed(line), dict) for line in self._data)

    def _event(self) -> str:
        event = "\n".join(self._data)
        if self._is_error:
            event = json.dumps({"error": _parsed(event) or event or "error"})
        self._data.clear()
        self._pending_bytes = 0
        self._is_error = self._is_bare = False
        return event


def _whole_events(text: str) -> list[str]:
    """Returns the data of events of one line each, by far the most frequent form; else nothing."""
    if not (text.startswith(_DATA) and text.endswith(_EVENT_END)):
        return []
    events = text[len(_DATA) : -len(_EVENT_END)].split(_EVENT_END + _DATA)
    return events if text.count("\n") == 2 * len(events) else []


def _parsed(text: str) -> object:
    """Returns the value of JSON text; None if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
