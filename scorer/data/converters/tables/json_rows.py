"""Reads rows of JSON: lines with one object each, a list of objects, or an object with such a list."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from scorer.data.lines import UNREADABLE, NotAnObjectError, checked_decoder, parse_object
from scorer.data.text_file import EncodingError, encoding_of, open_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from scorer.data.lines import Problems

JSON_ENDINGS = (".json", ".jsonl", ".ndjson")
JSON_PATTERNS = tuple(f"*{end}{gz}" for end in JSON_ENDINGS for gz in ("", ".gz"))
"""Names of the files that are read in a folder."""
_BLOCK_CHARACTERS = 2**20
_LISTS = ("data", "rows", "results", "records", "items", "examples")
"""Fields of an object that can hold the list of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonRows:
    """A readable file of JSON with its encoding and form."""

    path: Path
    encoding: str
    start: str
    """The first character: ``[`` of a list, ``{`` of lines or of an object."""

    def rows(self, problems: Problems) -> Iterator[tuple[int, Mapping[str, object]]]:
        """Yields each row with its line."""
        try:
            with open_text(self.path, self.encoding) as file:
                yield from (
                    _listed(file, self.path, problems)
                    if self.start == "["
                    else _lines(file, self.path, problems)
                )
        except (UnicodeDecodeError, *UNREADABLE) as error:
            problems.add(f"{self.path}: cannot be read: {error}")


def open_json(path: Path, problems: Problems) -> JsonRows | None:
    """Finds how a file is written; returns None after adding a problem."""
    try:
        encoding = encoding_of(path)
        with open_text(path, encoding) as file:
            start = next((line.lstrip()[0] for line in file if line.strip()), "")
    except EncodingError as error:
        problems.add(f"{path}: {error}")
        return None
    except (UnicodeDecodeError, *UNREADABLE) as error:
        problems.add(f"{path}: cannot be read: {error}")
        return None
    if start not in {"[", "{"}:
        problems.add(
            f"{path}: is no JSON: it begins with {start!r}" if start else f"{path}: is empty"
        )
        return None
    return JsonRows(path=path, encoding=encoding, start=start)


def _lines(
    file: IO[str], path: Path, problems: Problems
) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yields the objects of JSON lines, or the rows in the one object that a file is."""
    first = _parsed(file.readline())
    if isinstance(first, str):
        whole = _parsed(file.read(), before=first)
        file.seek(0)
        if not isinstance(whole, str):
            yield from _rows_in(whole, path, problems)
            return
    elif _list_in(first):
        yield from _rows_in(first, path, problems)
        return
    file.seek(0)
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                yield number, parse_object(line)
            except NotAnObjectError as error:
                problems.add(f"{path}: line {number}: {error}")


def _parsed(text: str, before: str = "") -> Mapping[str, object] | str:
    """Returns the object that a text is, or the text."""
    try:
        return parse_object(before + text)
    except NotAnObjectError:
        return text


def _list_in(fields: Mapping[str, object]) -> str:
    """Returns the field that holds the rows, if there is one."""
    for name in _LISTS:
        value = fields.get(name)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return name
    return ""


def _rows_in(
    fields: Mapping[str, object], path: Path, problems: Problems
) -> Iterator[tuple[int, Mapping[str, object]]]:
    rows = fields.get(_list_in(fields), [fields])
    for number, row in enumerate(rows if isinstance(rows, list) else (), 1):
        if isinstance(row, dict):
            yield number, row
        else:
            problems.add(f"{path}: row {number} is not an object")


def _listed(
    file: IO[str], path: Path, problems: Problems
) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yields the objects of one list, of which only a part is in memory."""
    decoder = checked_decoder()
    buffer = file.read(_BLOCK_CHARACTERS)
    line, position, block = 1, buffer.index("[") + 1, _BLOCK_CHARACTERS
    line += buffer.count("\n", 0, position)
    while True:
        start = _after_blanks(buffer, position)
        line += buffer.count("\n", position, start)
        position = start
        if position < len(buffer) and buffer[position] == "]":
            return
        try:
            value, end = decoder.raw_decode(buffer, position)
        except (ValueError, RecursionError) as error:
            more = file.read(block)
            if not more:
                problems.add(f"{path}: line {line}: is not JSON: {_reason(error)}")
                return
            buffer, position, block = buffer[position:] + more, 0, block * 2
            continue
        if isinstance(value, dict):
            yield line, value
        else:
            problems.add(f"{path}: line {line}: is not an object")
        line += buffer.count("\n", position, end)
        position = end


def _after_blanks(buffer: str, position: int) -> int:
    while position < len(buffer) and buffer[position] in " \t\r\n,":
        position += 1
    return position


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)
