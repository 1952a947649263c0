"""A summary of decisions as a document of three tables, with bars for a page. Pure.

Each figure stands beside the number of queries that it rests on.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.evaluation.report.document import ABSENT, Document, Grid, percent, percent_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scorer.measures.intervals import Interval
    from services.evaluation.decisions.decision_summary import Summary

CAUTION = (
    "Outcomes are those that the router recorded. A model that it never ran on a query has none, and "
    "neither has a model whose answer nobody assessed, as when the answers agreed at once. Such "
    "queries are left out of the figures of quality, and they are often the easy ones. The router "
    "decides the same way each time, so no choice has a probability by which the others could be "
    "weighted: where the two policies differ most, these figures say least. The value of an answer is "
    "the judge's posterior score, not a person's verdict."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionReport:
    """A summary with the settings that it was made with."""

    settings: Mapping[str, str]
    summary: Summary


def decision_document(report: DecisionReport) -> Document:
    """Returns the report with its settings, tables and caution."""
    summary = report.summary
    return Document(
        title="Replay",
        settings=report.settings,
        grids=(_agreement(summary), _changes(summary), _first_models(summary)),
        note=CAUTION,
    )


def first_model_bars(summary: Summary) -> str:
    """Returns HTML bars: how often each model comes first under either policy."""
    scale = 100 / max(1, summary.query_count)
    rows = []
    for name, (before, after) in summary.first_models.items():
        bars = "".join(
            f'<div class="bar {kind}" style="width:{count * scale:.1f}%" title="{kind}: {count}"></div>'
            for kind, count in (("recorded", before), ("other", after))
        )
        rows.append(f'<tr><td>{html.escape(name)}</td><td style="width:40rem">{bars}</td></tr>')
    legend = "<p>Grey: as recorded. Blue: the other policy. Full width: all queries.</p>"
    return f"<h2>Which model comes first</h2>\n<table>{''.join(rows)}</table>{legend}"


def _agreement(summary: Summary) -> Grid:
    counts = (summary.recorded_known_count, summary.other_known_count)
    known = [f"{100 * count / summary.query_count:.1f}" for count in counts]
    return Grid(
        head=("", "share of queries, %", "95 % interval"),
        rows=(
            ("first model is the same", *_share(summary.same_first)),
            ("first layer has the same models", *_share(summary.same_models)),
            ("models in both layers, of those in either", *_share(summary.overlap)),
            ("outcome of the recorded choice is known", known[0], ""),
            ("outcome of the other choice is known", known[1], ""),
        ),
    )


def _changes(summary: Summary) -> Grid:
    rows: list[tuple[str, ...]] = []
    for change in summary.changes:
        label = f"{change.label}, {change.unit}" if change.unit else change.label
        figures = (ABSENT,) * 4
        if change.recorded and change.other and change.difference:
            low, high = change.difference.low, change.difference.high
            figures = (
                _number(change.recorded.mean),
                _number(change.other.mean),
                _signed(change.difference.mean),
                f"{_signed(low)} to {_signed(high)}",
            )
        rows.append((label, f"{change.query_count:,}", *figures))
    head = ("", "queries", "recorded", "other", "other less recorded", "95 % interval")
    return Grid(head=head, rows=tuple(rows))


def _first_models(summary: Summary) -> Grid:
    rows = [
        (name, f"{before:,}", f"{after:,}")
        for name, (before, after) in summary.first_models.items()
    ]
    return Grid(head=("model that comes first", "recorded", "other"), rows=tuple(rows))


def _share(estimate: Interval) -> tuple[str, str]:
    return percent(estimate), percent_range(estimate)


def _number(value: float) -> str:
    return f"{value:.4g}"


def _signed(value: float) -> str:
    return f"{value:+.3g}"
