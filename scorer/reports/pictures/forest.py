"""Estimates with their intervals, one below the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.reports import style
from scorer.reports.pictures.marks import name_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from scorer.measures.intervals import Interval


def forest(figure: Figure, intervals: Mapping[str, Interval], *, label: str) -> None:
    """Draws a dot and a 95 % interval per name; its colour says on which side of zero it is."""
    axes = figure.add_subplot()
    axes.axvline(0, color=style.BLACK, linewidth=1)
    for place, (name, found) in enumerate(intervals.items()):
        colour = _colour(found)
        axes.plot([found.low, found.high], [place, place], color=colour, linewidth=2.5)
        axes.plot(found.mean, place, "o", color=colour, markersize=8, label=name)
        axes.annotate(
            f"{found.mean:+.3f}  [{found.low:+.3f}, {found.high:+.3f}]",
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=colour,
        )
    name_rows(axes, list(intervals))
    axes.set_xlabel(label)


def _colour(found: Interval) -> str:
    if found.low > 0:
        return style.BLUE
    return style.VERMILION if found.high < 0 else style.GREY
