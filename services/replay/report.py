"""A summary -> Markdown, or a page with bars. Pure.

Whoever reads a figure shall see beside it how many queries it rests on.
"""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scorer.measures.intervals import Interval
    from services.replay.summary import Summary

_ABSENT = "-"
CAUTION = (
    "Outcomes are those that the router recorded. A model has no outcome for a query if it never "
    "ran on it, or if no model assessed its answer, as happens when the answers agree at once. "
    "Such queries are left out of the figures of quality, and they are often the easy ones. The "
    "router decides the same way each time, so rare choices cannot be weighted up: where the two "
    "policies differ most, these figures say least. The worth of an answer is the judge's "
    "posterior score, not a person's verdict."
)
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .2rem .8rem; }
td + td, th + th { text-align: right; } tr + tr { border-top: 1px solid #ddd; }
.bar { height: .7rem; margin: 1px 0; }
.recorded { background: #8a8f98; } .other { background: #2166ac; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A summary with what it was made of."""

    settings: Mapping[str, str]
    summary: Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """A table before it has a form; the first row is its head."""

    rows: tuple[tuple[str, ...], ...]


def markdown(report: Report) -> str:
    """Returns the report as Markdown."""
    settings = "\n".join(f"- {name}: {value}" for name, value in report.settings.items())
    grids = "\n\n".join(_markdown(grid) for grid in _grids(report.summary))
    return f"# Replay\n\n{settings}\n\n{grids}\n\n{textwrap.fill(CAUTION, 100)}\n"


def page(report: Report) -> str:
    """Returns the report as one HTML file that needs no other."""
    settings = "".join(
        f"<li>{_text(name)}: {_text(value)}</li>" for name, value in report.settings.items()
    )
    grids = "\n".join(_table(grid) for grid in _grids(report.summary))
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Replay</title>\n'
        f"<style>{_STYLE}</style>\n<h1>Replay</h1>\n<ul>{settings}</ul>\n{grids}\n"
        f"<h2>Which model comes first</h2>\n{_bars(report.summary)}\n<p>{_text(CAUTION)}</p>\n</html>\n"
    )


def _grids(summary: Summary) -> tuple[_Grid, ...]:
    return _agreement(summary), _changes(summary), _first_models(summary)


def _agreement(summary: Summary) -> _Grid:
    count = summary.query_count
    return _Grid(
        rows=(
            ("", "share of queries, %", "95 % interval"),
            ("first model is the same", *_percent(summary.same_first)),
            ("first layer has the same models", *_percent(summary.same_models)),
            ("models in both layers, of those in either", *_percent(summary.overlap)),
            (
                "outcome of the recorded choice is known",
                *_share(summary.recorded_known_count, count),
            ),
            ("outcome of the other choice is known", *_share(summary.other_known_count, count)),
        )
    )


def _changes(summary: Summary) -> _Grid:
    rows: list[tuple[str, ...]] = [
        ("", "queries", "recorded", "other", "other less recorded", "95 % interval")
    ]
    for change in summary.changes:
        label = f"{change.label}, {change.unit}" if change.unit else change.label
        if change.recorded and change.other and change.difference:
            low, high = change.difference.low, change.difference.high
            figures = (
                _number(change.recorded.mean),
                _number(change.other.mean),
                _signed(change.difference.mean),
                f"{_signed(low)} to {_signed(high)}",
            )
        else:
            figures = (_ABSENT,) * 4
        rows.append((label, f"{change.query_count:,}", *figures))
    return _Grid(rows=tuple(rows))


def _first_models(summary: Summary) -> _Grid:
    rows = [
        (name, f"{before:,}", f"{after:,}")
        for name, (before, after) in summary.first_models.items()
    ]
    return _Grid(rows=(("model that comes first", "recorded", "other"), *rows))


def _bars(summary: Summary) -> str:
    scale = 100 / max(1, summary.query_count)
    rows = []
    for name, (before, after) in summary.first_models.items():
        bars = "".join(
            f'<div class="bar {kind}" style="width:{count * scale:.1f}%" title="{kind}: {count}"></div>'
            for kind, count in (("recorded", before), ("other", after))
        )
        rows.append(f'<tr><td>{_text(name)}</td><td style="width:40rem">{bars}</td></tr>')
    legend = "<p>Grey: as recorded. Blue: the other policy. Full width: all queries.</p>"
    return f"<table>{''.join(rows)}</table>{legend}"


def _share(count: int, total: int) -> tuple[str, str]:
    return (f"{100 * count / total:.1f}", "")


def _percent(share: Interval) -> tuple[str, str]:
    return f"{100 * share.mean:.1f}", f"{100 * share.low:.1f} to {100 * share.high:.1f}"


def _number(value: float) -> str:
    return f"{value:.4g}"


def _signed(value: float) -> str:
    return f"{value:+.3g}"


def _markdown(grid: _Grid) -> str:
    head, *rows = grid.rows
    rule = ("---", *("---:" for _ in head[1:]))
    return "\n".join(f"| {' | '.join(_cells(row))} |" for row in (head, rule, *rows))


def _cells(row: Sequence[str]) -> list[str]:
    return [cell.replace("|", "\\|") for cell in row]


def _table(grid: _Grid) -> str:
    head, *rows = grid.rows
    lines = ["".join(f"<th>{_text(cell)}</th>" for cell in head)]
    lines += ["".join(f"<td>{_text(cell)}</td>" for cell in row) for row in rows]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _text(text: str) -> str:
    return html.escape(text)
