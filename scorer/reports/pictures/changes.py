"""How often each model is the first choice, before and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import PercentFormatter

from scorer.reports import style
from scorer.reports.pictures.marks import name_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

EDGE = {
    "markersize": 11,
    "markeredgewidth": 2,
    "markeredgecolor": style.VERMILION,
    "linestyle": "none",
}


def first_choices(figure: Figure, before: Mapping[str, float], now: Mapping[str, float]) -> None:
    """Draws both shares of every model of ``now``, joined by a line; one absent before has no ring."""
    axes = figure.add_subplot()
    for place, (name, share) in enumerate(now.items()):
        if name in before:
            axes.plot(
                [before[name], share], [place, place], color=style.PALE, linewidth=4, zorder=1
            )
            axes.plot(before[name], place, "o", markerfacecolor="white", **EDGE)
        axes.plot(share, place, "o", color=style.BLUE, markersize=7)
    # Two points that are nowhere else, for the legend alone.
    axes.plot([], [], "o", markerfacecolor="white", label="before", **EDGE)
    axes.plot([], [], "o", color=style.BLUE, markersize=7, label="now")
    name_rows(axes, list(now))
    axes.set_xlim(-0.03, 1.03)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("share of queries for which it is the first choice")
    figure.legend(loc="outside upper right", ncols=2)
