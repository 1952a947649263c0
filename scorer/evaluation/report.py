"""Figures -> one table per test, for a terminal and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from scorer.evaluation.figures import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scorer.evaluation.figures import MethodFigures, Spread
    from scorer.measures.intervals import Interval

COLUMNS = {
    "mean_score": "score",
    "hit_at_1": "hit@1",
    "hit_at_3": "hit@3",
    "team_hit": "hit of the three run",
    "regret": "regret",
    "calibration_error": "ECE",
    "model_calibration_error": "ECE per model",
    "chance_of_calibration_error": "the same if scores were exact",
    "brier": "Brier",
    "loss": "log loss",
    "coverage_area": "score over coverage",
    "frontier_area": "cost area",
    "score_share_on_frontier": "score at 30 % of cost",
}
"""Heading by figure; a column without figures is left out."""

NARROW = ("mean_score", "hit_at_3", "model_calibration_error", "frontier_area")
"""The columns of a table in a terminal."""


def table(title: str, methods: Mapping[str, MethodFigures]) -> Table:
    """Returns one row per method, with the figures that fit into a terminal."""
    headings, rows = _cells(methods, NARROW)
    made = Table(*headings, title=title)
    for row in rows:
        made.add_row(*row)
    return made


def markdown(title: str, methods: Mapping[str, MethodFigures]) -> str:
    """Returns one row per method, as a Markdown section."""
    headings, rows = _cells(methods, tuple(COLUMNS))
    lines = [headings, ["---"] * len(headings), *rows]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"### {title}\n\n{body}\n"


def _cells(
    methods: Mapping[str, MethodFigures], columns: Sequence[str]
) -> tuple[list[str], list[list[str]]]:
    known = next(iter(methods.values())).figures
    names = [name for name in columns if name in known]
    headings = ["method", *(COLUMNS[name] for name in names)]
    headings.insert(2, f"less {REFERENCE} [95 %]")
    rows = []
    for method, found in methods.items():
        row = [method, *(_spread(found.figures[name]) for name in names)]
        row.insert(2, _interval(found.differences.get(REFERENCE)))
        rows.append(row)
    return headings, rows


def _spread(spread: Spread) -> str:
    # What rounding leaves of equal seeds is no spread.
    return f"{spread.mean:.4f}" + (f" ± {spread.std:.4f}" if spread.std >= 5e-5 else "")


def _interval(difference: Interval | None) -> str:
    if difference is None:
        return ""
    return f"{difference.mean:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]"
