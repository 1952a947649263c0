"""Whether a score is the probability that it says it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from scorer.reports import style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from scorer.evaluation.curves import ReliabilityCurve

COLUMNS = 5
FEWEST_LABELS = 10
"""In the small diagrams, bins with fewer are left out: they would be noise."""

LARGEST_DOT = 90.0
"""Area in square points of a bin with all labels."""


def reliability(figure: Figure, curve: ReliabilityCurve, *, legend: str) -> None:
    """Draws one diagram and, below, how many labels each bin has."""
    upper, lower = figure.subplots(2, height_ratios=(4, 1), sharex=True)
    _diagonal(upper)
    upper.plot(curve.x, curve.y, "o-", color=style.BLUE, markersize=6, label=legend)
    upper.set_ylabel("how often it was right")
    upper.set_ylim(-0.02, 1.02)
    upper.legend(loc="upper left")
    lower.bar(curve.x, curve.counts, width=0.05, color=style.SKY)
    lower.set_ylabel("labels")
    lower.set_xlabel("score")
    lower.set_xlim(-0.02, 1.02)


def reliabilities(
    figure: Figure, curves: Mapping[str, ReliabilityCurve], titles: Mapping[str, str]
) -> None:
    """Draws a small diagram per name; the larger a dot, the more labels are in its bin."""
    rows = math.ceil(len(curves) / COLUMNS)
    grid = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(curves) :]:
        axes.remove()
    for axes, (name, curve) in zip(grid.flat, curves.items(), strict=False):
        _diagonal(axes)
        kept = np.array(curve.counts) >= FEWEST_LABELS
        x, y, counts = (np.array(values)[kept] for values in (curve.x, curve.y, curve.counts))
        axes.plot(x, y, color=style.BLUE, linewidth=1)
        axes.scatter(x, y, s=LARGEST_DOT * counts / sum(curve.counts), color=style.BLUE)
        axes.set_title(titles[name], fontsize=8)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xticks([0, 0.5, 1])
        axes.set_yticks([0, 0.5, 1])
    figure.supxlabel("score", fontsize=10)
    figure.supylabel("how often it was right", fontsize=10)


def height_of_grid(count: int) -> float:
    """Returns the inches that ``reliabilities`` needs for ``count`` diagrams."""
    return 0.6 + 1.9 * math.ceil(count / COLUMNS)


def _diagonal(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1], "--", color=style.GREY, linewidth=1)
