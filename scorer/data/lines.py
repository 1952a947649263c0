"""Reads the lines of a text file, plain or gzip, and collects what cannot be read.

``*.jsonl[.gz] -> (line number, text) -> a JSON object``
"""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNREADABLE = (OSError, EOFError, zlib.error)
"""The errors of a file that is missing, unreadable, damaged or cut off."""


MAX_LISTED = 100
"""Largest number of listed problems, so that a file of bad lines does not fill the memory."""


class Problems:
    """A list of problems in the order in which they are found."""

    def __init__(self) -> None:
        self.listed: list[str] = []
        self.unlisted = 0

    def add(self, problem: str) -> None:
        """Adds a problem; after ``MAX_LISTED``, problems are only counted."""
        if len(self.listed) < MAX_LISTED:
            self.listed.append(problem)
        else:
            self.unlisted += 1

    def __len__(self) -> int:
        return len(self.listed) + self.unlisted

    def __bool__(self) -> bool:
        return bool(self.listed)


class NotAnObjectError(ValueError):
    """Raised when a line is not one JSON object; the message gives the reason."""


def open_binary(path: Path) -> IO[bytes]:
    """Opens a file for reading, unpacking it if its name ends in ``.gz``."""
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def numbered_lines(path: Path, problems: Problems) -> Iterator[tuple[int, str]]:
    """Yields every line that is not blank with its number, counted from 1, without a UTF-8 mark."""
    number = 0
    try:
        with open_binary(path) as file:
            for line in file:
                number += 1
                try:
                    text = line.removeprefix(codecs.BOM_UTF8 if number == 1 else b"").decode()
                except UnicodeDecodeError as error:
                    problems.add(f"line {number}: is not UTF-8, at byte {error.start + 1}")
                    continue
                if text.strip():
                    yield number, text
    except UNREADABLE as error:
        where = f"after line {number}" if number else "at all"
        problems.add(f"cannot be read {where}: {error}")


def checked_decoder() -> json.JSONDecoder:
    """Returns a decoder of JSON that refuses repeated names."""
    return _DECODER


def parse_object(text: str) -> dict[str, object]:
    """Reads a JSON object without repeated names, at any depth.

    Raises:
        NotAnObjectError: The text is not such an object.
    """
    try:
        value = _DECODER.decode(text)
    # RecursionError: nested too deeply. ValueError: not JSON, a repeated name, or a number with
    # more digits than Python converts.
    except (ValueError, RecursionError) as error:
        raise NotAnObjectError(f"is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise NotAnObjectError("is not an object")
    return value


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in fields if names.count(name) > 1)
        message = f"{twice!r} is named twice in one object"
        raise ValueError(message)
    return fields


_DECODER = json.JSONDecoder(object_pairs_hook=_distinct)
