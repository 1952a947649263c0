"""Tables of figures, one per test, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from scorer.evaluation.figures import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scorer.evaluation.figures import MethodFigures, Spread
    from scorer.measures.intervals import Interval

COLUMNS = {
    "mean_score": "score",
    "hit_at_3": "hit@3",
    "model_calibration_error": "ECE per model",
    "frontier_area": "cost area",
}
"""Headings by figure; a column without figures is left out."""


def table(title: str, methods: Mapping[str, MethodFigures]) -> Table:
    """Returns one row per method, with the figures that fit into a terminal."""
    known = next(iter(methods.values())).figures
    names = [name for name in COLUMNS if name in known]
    headings = ["method", *(COLUMNS[name] for name in names)]
    headings.insert(2, f"less {REFERENCE} [95 %]")
    made = Table(*headings, title=title)
    for method, found in methods.items():
        row = [method, *(_spread(found.figures[name]) for name in names)]
        row.insert(2, _interval(found.differences.get(REFERENCE)))
        made.add_row(*row)
    return made


def _spread(spread: Spread) -> str:
    # For equal seeds, rounding leaves a tiny spread.
    return f"{spread.mean:.4f}" + (f" ± {spread.std:.4f}" if spread.std >= 5e-5 else "")


def _interval(difference: Interval | None) -> str:
    if difference is None:
        return ""
    return f"{difference.mean:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]"
