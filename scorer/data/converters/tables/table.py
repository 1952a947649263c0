"""Converts tables of people, CSV or JSON, wide or long.

Each file is read twice: the columns and the range of the scores are found first, then the records.
All files of one call share one range.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from scorer.data.converters.conversion import converted
from scorer.data.converters.prompt_text import prompt_text
from scorer.data.converters.rows import Row, found_scale, id_text, joined
from scorer.data.converters.scores.cells import (
    Kind,
    NotAScoreError,
    Score,
    read_cell,
    shown,
)
from scorer.data.converters.scores.scale import Found
from scorer.data.converters.tables.columns import LayoutError, layout_of, role_of
from scorer.data.converters.tables.delimited import CSV_PATTERNS, open_delimited
from scorer.data.converters.tables.json_rows import JSON_PATTERNS, open_json
from scorer.data.documents import files_below
from scorer.data.lines import Problems

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from scorer.data.converters.conversion import Conversion
    from scorer.data.converters.scores.scale import Scale
    from scorer.data.converters.tables.columns import Layout, Told
    from scorer.data.records import Record

MAX_TEXTS = 200
"""A column with so many cells that are no scores, more than are, is not read on."""
_NESTED = ("scores", "ratings", "labels", "grades")
"""Fields of a JSON row that can hold an object of scores by model."""


class RowFile(Protocol):
    """A file of rows."""

    @property
    def path(self) -> Path:
        """The file's path."""

    def rows(self, problems: Problems) -> Iterator[tuple[int, Mapping[str, object]]]:
        """Yields each row with its line."""


@dataclass(slots=True)
class _Columns:
    """The columns of one file, and the models that an object in its rows names."""

    found: dict[str, Found] = field(default_factory=dict)
    nested: dict[str, None] = field(default_factory=dict)
    words: Collection[str] = ()
    """Words that are scores since a user told so."""
    rows: int = 0

    def add(self, row: Mapping[str, object], nested: Mapping[str, object]) -> None:
        """Adds the cells of a row; columns that are no scores by name are only listed."""
        self.rows += 1
        self.nested.update(dict.fromkeys(nested))
        for cells in (row, nested):
            for name, cell in cells.items():
                found = self.found.get(name)
                if found is None:
                    found = self.found[name] = Found()
                    found.is_read = cells is nested or role_of(name) in {None, "score"}
                if found.is_read:
                    found.add(cell, self.words)
                    found.is_read = found.others < MAX_TEXTS or not found.is_text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A file with the meaning of its columns, and the number of its rows."""

    file: RowFile
    layout: Layout
    found: Mapping[str, Found]
    number: int


def convert(
    paths: Sequence[Path],
    conversion: Conversion,
    *,
    as_json: bool,
    told: Told,
    scale: Scale | None = None,
) -> Iterator[Record]:
    """Yields the records of files of rows.

    Args:
        paths: The files, plain or gzip, and folders with such files anywhere below them.
        conversion: Gets the problems and the notes.
        as_json: Whether they are JSON, not separated cells.
        told: The columns that a user named.
        scale: The range of the scores; by default it is found.

    Raises:
        ConversionError: At the end, if there was a problem or no record.
    """
    return converted(
        _candidates(paths, conversion, as_json=as_json, told=told, scale=scale),
        conversion.problems,
    )


def _candidates(
    paths: Sequence[Path],
    conversion: Conversion,
    *,
    as_json: bool,
    told: Told,
    scale: Scale | None,
) -> Iterator[tuple[str, dict[str, object]]]:
    problems, notes = conversion.problems, conversion.notes
    tables: list[_Table] = []
    for path in files_below(paths, JSON_PATTERNS if as_json else CSV_PATTERNS, problems):
        file = open_json(path, problems) if as_json else open_delimited(path, notes, problems)
        table = _table_of(file, told, scale, conversion) if file else None
        if table:
            tables.append(table)
    if scale is None:
        scale = found_scale(_scored_columns(tables), conversion)
    if scale is None:
        return
    rows = itertools.chain.from_iterable(_rows(table, conversion) for table in tables)
    total = sum(table.number for table in tables)
    yield from joined(conversion.watch(rows, "Converting", total), scale, conversion)


def _table_of(
    file: RowFile, told: Told, scale: Scale | None, conversion: Conversion
) -> _Table | None:
    """Reads a file once, and returns it with the meaning of its columns."""
    columns = _Columns(words=scale.words if scale else ())
    for _, row in file.rows(conversion.problems):
        flat, nested = _unnested(row)
        columns.add(flat, nested)
    if not columns.rows:
        if not conversion.problems:
            conversion.problems.add(f"{file.path}: holds no row")
        return None
    if columns.nested:
        told = replace(told, models=tuple(columns.nested))
    try:
        layout = layout_of(columns.found, told)
    except LayoutError as error:
        conversion.problems.add(f"{file.path}: {error}")
        return None
    for model, column in layout.scores.items():
        found = columns.found[column]
        if found.is_text:
            conversion.problems.add(
                f"{file.path}: column {column!r} must hold scores{' of a model' * bool(model)}, "
                f"but holds text, such as {found.example}"
            )
            return None
    conversion.notes.choose(f"{file.path.name}: {layout}")
    ignored = [name for name in columns.found if name and name not in layout.columns]
    if ignored:
        conversion.notes.choose(f"{file.path.name}: not read: {', '.join(ignored)}")
    return _Table(file=file, layout=layout, found=columns.found, number=columns.rows)


def _scored_columns(tables: Sequence[_Table]) -> dict[str, Found]:
    """Returns the columns of scores of all tables; those of one name are one."""
    columns: dict[str, Found] = {}
    for table in tables:
        for column in table.layout.scores.values():
            columns.setdefault(column, Found()).join(table.found[column])
    return columns


def _unnested(row: Mapping[str, object]) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Returns a row without its object of scores by model, and that object."""
    for name in _NESTED:
        nested = row.get(name)
        if isinstance(nested, dict) and nested:
            return {key: value for key, value in row.items() if key != name}, nested
    return row, {}


def _rows(table: _Table, conversion: Conversion) -> Iterator[Row]:
    # What is wrong with the file's form is known from its first reading.
    for line, raw in table.file.rows(Problems()):
        flat, nested = _unnested(raw)
        where = f"{table.file.path}: line {line}"
        yield _row(table.layout, {**flat, **nested} if nested else flat, where, conversion.problems)


def _row(layout: Layout, row: Mapping[str, object], where: str, problems: Problems) -> Row:
    model = id_text(row.get(layout.model)) if layout.model else ""
    cells = {name or model: row.get(column) for name, column in layout.scores.items()}
    if layout.model and not model:
        if any(cell not in {None, ""} for cell in cells.values()):
            problems.add(f"{where}: {layout.model}: must name a model")
        cells = {}
    amounts: dict[str, dict[str, float]] = {}
    for amount, columns in layout.amounts.items():
        for name, column in columns.items():
            value = _amount(row.get(column), f"{where}: {column}", problems)
            if value is not None:
                amounts.setdefault(amount, {})[name or model] = value
    return Row(
        where=where,
        query=prompt_text(row.get(layout.query)),
        cells=cells,
        id=id_text(row.get(layout.id)) if layout.id else "",
        task=id_text(row.get(layout.task)) if layout.task else "",
        amounts=amounts,
    )


def _amount(cell: object, where: str, problems: Problems) -> float | None:
    """Returns dollars, seconds or a number of tokens, or None where there is none."""
    try:
        found = read_cell(cell.strip(" $") if isinstance(cell, str) else cell)
    except NotAScoreError:
        found = Score(Kind.WORD, 0)
    if found is None:
        return None
    if found.kind is not Kind.NUMBER or found.value < 0:
        problems.add(f"{where}: must be a number, at least 0, is {shown(cell)}")
        return None
    return found.value
