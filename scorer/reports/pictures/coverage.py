"""What an uncertainty is worth, as more and more queries are entrusted to the scorer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import PercentFormatter

from scorer.reports.pictures.marks import marks_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from scorer.evaluation.curves import Curve
    from scorer.reports.pictures.marks import Mark


def coverage(figure: Figure, curves: Mapping[str, Curve]) -> None:
    """Draws, per method, the mean score of the queries that it is surest of."""
    axes = figure.add_subplot()
    _lines(axes, curves, marks_of(list(curves)))
    axes.set_xlabel("share of queries kept, the surest first")
    axes.set_ylabel("mean score of the queries kept")
    figure.legend(loc="outside right upper")


def fallback(figure: Figure, curves: Mapping[str, Curve], marks: Mapping[str, Mark]) -> None:
    """Draws, per uncertainty, the mean score of all queries when the others are played safe."""
    axes = figure.add_subplot()
    _lines(axes, curves, marks)
    axes.set_xlabel("share of queries that the scorer decides, the surest first")
    axes.set_ylabel("mean score of all queries")
    figure.legend(loc="outside upper center", ncols=2)


def _lines(axes: Axes, curves: Mapping[str, Curve], marks: Mapping[str, Mark]) -> None:
    for name, curve in curves.items():
        mark = marks[name]
        axes.plot(curve.x, curve.y, mark.dash, color=mark.colour, linewidth=mark.width, label=name)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
