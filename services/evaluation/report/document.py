"""A report's settings, tables and note; as Markdown and as tables for the terminal. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scorer.measures.intervals import Interval

ABSENT = "-"
"""The cell of an unknown value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table: its first column is aligned left, the others right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A report: title, settings, tables and a note; an empty text is left out."""

    title: str = ""
    settings: Mapping[str, str]
    grids: tuple[Grid, ...]
    note: str = ""


def percent(estimate: Interval | None) -> str:
    """Returns an estimated share in percent."""
    return ABSENT if estimate is None else f"{estimate.mean * 100:.1f}"


def percent_range(estimate: Interval | None) -> str:
    """Returns the ends of a share's interval in percent."""
    return ABSENT if estimate is None else f"{estimate.low * 100:.1f} to {estimate.high * 100:.1f}"


def markdown(document: Document) -> str:
    """Returns a document as Markdown."""
    parts = [
        f"# {document.title}" if document.title else "",
        "\n".join(f"- {name}: {value}" for name, value in document.settings.items()),
        *(_markdown_table(grid) for grid in document.grids),
        document.note,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def console_table(grid: Grid) -> Table:
    """Returns a table for the terminal."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for number, name in enumerate(grid.head):
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in grid.rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _markdown_table(grid: Grid) -> str:
    rule = ("---", *("---:" for _ in grid.head[1:]))
    return "\n".join(_markdown_row(row) for row in (grid.head, rule, *grid.rows))


def _markdown_row(row: Sequence[str]) -> str:
    cells = (cell.replace("|", "\\|") for cell in row)
    return f"| {' | '.join(cells)} |"
