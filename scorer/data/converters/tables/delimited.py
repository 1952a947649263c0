"""Reads rows of text files with separated cells: CSV, TSV and their relatives.

The encoding and the separator are found; quoted cells may hold line breaks.
"""

from __future__ import annotations

import csv
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.data.converters.tables.columns import role_of
from scorer.data.lines import UNREADABLE
from scorer.data.text_file import EncodingError, encoding_of, open_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from scorer.data.converters.notes import Notes
    from scorer.data.lines import Problems

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
CSV_ENDINGS = (".csv", ".tsv")
CSV_PATTERNS = tuple(f"*{end}{gz}" for end in CSV_ENDINGS for gz in ("", ".gz"))
"""Names of the files that are read in a folder."""
SAMPLED_ROWS = 20
"""Number of rows from which the separator is found."""
MAX_CELL_CHARACTERS = 2**31 - 1
"""The default limit of the csv module, 131,072, is too small for prompts."""
_SEPARATOR_LINE = "sep="
"""Excel's first line that names the separator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimited:
    """A readable file with its encoding, separator and header."""

    path: Path
    encoding: str
    separator: str
    header: tuple[str, ...]
    has_separator_line: bool

    def rows(self, problems: Problems) -> Iterator[tuple[int, Mapping[str, object]]]:
        """Yields each row that is not blank with the number of its first line."""
        line = 0
        try:
            with open_text(self.path, self.encoding) as file:
                if self.has_separator_line:
                    next(file)
                    line = 1
                skipped = line
                reader = csv.reader(file, delimiter=self.separator, strict=True)
                line += next(reader, None) is not None and reader.line_num
                for cells in reader:
                    number, line = line + 1, skipped + reader.line_num
                    row = self._row(cells, number, problems)
                    if row:
                        yield number, row
        except (csv.Error, UnicodeDecodeError, *UNREADABLE) as error:
            problems.add(f"{self.path}: cannot be read after line {line}: {error}")

    def _row(self, cells: list[str], line: int, problems: Problems) -> dict[str, object]:
        most = len(self.header)
        if not any(cell.strip() for cell in cells):
            return {}
        if len(cells) < most or any(cell.strip() for cell in cells[most:]):
            problems.add(f"{self.path}: line {line}: has {len(cells)} cells, the header has {most}")
            return {}
        return dict(zip(self.header, cells[:most], strict=True))


def open_delimited(path: Path, notes: Notes, problems: Problems) -> Delimited | None:
    """Finds how a file is written; returns None after adding a problem."""
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    try:
        encoding = encoding_of(path)
        with open_text(path, encoding) as file:
            first = file.readline()
            told = _separator_told(first)
            if told is None:
                file.seek(0)
            separator = told or _separator_found(path, encoding)
            header = next(csv.reader(file, delimiter=separator, strict=True), [])
    except EncodingError as error:
        problems.add(f"{path}: {error}")
        return None
    except (csv.Error, UnicodeDecodeError, *UNREADABLE) as error:
        problems.add(f"{path}: cannot be read: {error}")
        return None
    names = tuple(name.strip() for name in header)
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice or not any(names):
        named = f"names {', '.join(map(repr, twice))} twice" if twice else "names no column"
        problems.add(f"{path}: line 1: the header {named}")
        return None
    notes.choose(f"{path.name}: {encoding}, separated by {SEPARATORS.get(separator, separator)}")
    return Delimited(
        path=path,
        encoding=encoding,
        separator=separator,
        header=names,
        has_separator_line=told is not None,
    )


def _separator_told(line: str) -> str | None:
    text = line.removeprefix("\ufeff").strip("\r\n ").strip('"')
    if text.casefold().startswith(_SEPARATOR_LINE) and len(text) == len(_SEPARATOR_LINE) + 1:
        return text[-1]
    return None


def _separator_found(path: Path, encoding: str) -> str:
    """Returns the separator that makes the most sense of the first rows."""
    return max(SEPARATORS, key=lambda separator: _sense(path, encoding, separator))


def _sense(path: Path, encoding: str, separator: str) -> tuple[bool, int, float, int]:
    """Returns how well a separator fits: known names, rows of equal length, and columns."""
    with open_text(path, encoding) as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        try:
            header, *rows = itertools.islice(reader, SAMPLED_ROWS + 1)
        except (csv.Error, ValueError):
            return False, 0, 0.0, 0
    known = sum(role_of(name) is not None for name in header)
    equal = sum(len(row) == len(header) for row in rows) / max(len(rows), 1)
    return len(header) > 1, known, equal, len(header)
