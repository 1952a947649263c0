"""Bytes in pieces of any size -> lines of bounded length."""

from __future__ import annotations

MAX_LINE_BYTES = 1 << 20


class LinesError(ValueError):
    """Raised for bytes that are no such lines."""


class LineDecoder:
    """Decodes lines that end with LF or CRLF; one JSON object per line is such a stream."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """Takes more bytes and returns the lines that they complete, without their ends.

        Raises:
            LinesError: A line is too long or not UTF-8.
        """
        end = data.rfind(b"\n") + 1  # in what is new only: a line may come byte by byte
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
