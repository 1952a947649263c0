"""A report's settings, tables and note; as Markdown, HTML and tables for the terminal. Pure."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scorer.measures.intervals import Interval

ABSENT = "-"
"""The cell of an unknown value."""
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .2rem .8rem; }
td + td, th + th { text-align: right; } tr + tr { border-top: 1px solid #ddd; }
.bar { height: .7rem; margin: 1px 0; }
.recorded { background: #8a8f98; } .other { background: #2166ac; }
"""


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


def html_page(document: Document, figure: str) -> str:
    """Returns a document as HTML; `figure` is HTML that stands between its tables and its note."""
    title = html.escape(document.title)
    settings = "".join(
        f"<li>{html.escape(f'{name}: {value}')}</li>" for name, value in document.settings.items()
    )
    tables = "\n".join(_html_table(grid) for grid in document.grids)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{title}</h1>\n<ul>{settings}</ul>\n{tables}\n"
        f"{figure}\n<p>{html.escape(document.note)}</p>\n</html>\n"
    )


def _html_table(grid: Grid) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in grid.head)
    rows = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in grid.rows)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in (head, *rows))}</table>"
