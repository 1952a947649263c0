"""Collects all violations of a request and raises them as one error.

An error is sent in HTTP/2 trailers. gRPC clients accept 8 KiB of them and drop a larger error. So
the error holds the violations that fit, and the number of all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.errors import FieldViolation, InvalidFieldError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sized

MAX_QUERY_CHARACTERS = 100_000
MAX_VIOLATIONS_BYTES = 4_500
"""Enough for one violation in each of 64 requests."""
MAX_MESSAGE_BYTES = 400
MAX_NAMES_BYTES = 800


class Violations:
    """The violations found so far in one request."""

    def __init__(self) -> None:
        self._found: list[FieldViolation] = []
        self._left_out_count = 0
        self._room_bytes = MAX_VIOLATIONS_BYTES

    def add(self, field: str, description: str) -> None:
        """Records that a field is invalid."""
        size_bytes = len(field.encode()) + len(description.encode())
        if size_bytes > self._room_bytes:
            self._left_out_count += 1
            return
        self._room_bytes -= size_bytes
        self._found.append(FieldViolation(field=field, description=description))

    def query(self, field: str, text: str) -> None:
        """Checks a query's text."""
        if not text.strip():
            self.add(field, "must not be empty or white space alone")
        elif len(text) > MAX_QUERY_CHARACTERS:
            self.add(
                field, f"must have at most {MAX_QUERY_CHARACTERS:,} characters, has {len(text):,}"
            )

    def within(self, field: str, value: float, low: float, high: float) -> None:
        """Checks that a number is in [low, high]; NaN is not."""
        if not low <= value <= high:
            self.add(field, f"must be in [{low:g}, {high:g}], is {value:g}")

    def length(self, field: str, items: Sized, low: int, high: int) -> None:
        """Checks the number of items of a repeated field."""
        if not low <= len(items) <= high:
            self.add(field, f"must have {low:,} to {high:,} items, has {len(items):,}")

    def raise_if_any(self) -> None:
        """Raises `InvalidFieldError` with the violations, if there are any."""
        if not self._found and not self._left_out_count:
            return
        text = "; ".join(f"{v.field}: {v.description}" for v in self._found)
        count = len(self._found) + self._left_out_count
        message = (
            f"invalid request, {count} in all: {text}" if count > 1 else f"invalid request: {text}"
        )
        raise InvalidFieldError(clipped(message, MAX_MESSAGE_BYTES), violations=self._found)


def listed(names: Iterable[str]) -> str:
    """Returns a caller's names, separated by commas and short enough for an error."""
    return clipped(",".join(names), MAX_NAMES_BYTES)


def clipped(text: str, max_bytes: int) -> str:
    """Returns the text, cut to a number of UTF-8 bytes; `...` marks a cut."""
    data = text.encode()
    if len(data) <= max_bytes:
        return text
    return data[: max_bytes - 3].decode(errors="ignore") + "..."
