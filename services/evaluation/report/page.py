"""A document as one HTML page that needs no other file. Pure."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.evaluation.report.document import Document, Grid

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .2rem .8rem; }
td + td, th + th { text-align: right; } tr + tr { border-top: 1px solid #ddd; }
.bar { height: .7rem; margin: 1px 0; }
.recorded { background: #8a8f98; } .other { background: #2166ac; }
"""


def page(document: Document, figure: str) -> str:
    """Returns a document as HTML; `figure` is HTML that stands between its tables and its note."""
    title = html.escape(document.title)
    settings = "".join(
        f"<li>{html.escape(f'{name}: {value}')}</li>" for name, value in document.settings.items()
    )
    tables = "\n".join(_table(grid) for grid in document.grids)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{title}</h1>\n<ul>{settings}</ul>\n{tables}\n"
        f"{figure}\n<p>{html.escape(document.note)}</p>\n</html>\n"
    )


def _table(grid: Grid) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in grid.head)
    rows = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in grid.rows)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in (head, *rows))}</table>"
