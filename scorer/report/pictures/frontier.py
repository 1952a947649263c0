"""What each method gets for its dollars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import Bbox

from scorer.report import style
from scorer.report.pictures.marks import marks_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from scorer.compare.curves import Curve, SingleModel

PLACES = ((0, -12, "center"), (8, -3, "left"), (0, 7, "center"), (-8, -3, "right"))
"""Where a name may stand around its dot: points to the right and up, and how it is aligned."""

LETTER = (4.6, 10.0)
"""About how wide and high a letter of a name is, in points."""


def frontier(
    figure: Figure, curves: Mapping[str, Curve], models: Mapping[str, SingleModel]
) -> None:
    """Draws the line of every method and a dot with its name for every single model."""
    axes = figure.add_subplot()
    axes.set_xscale("log")
    marks = marks_of(list(curves))
    for name, curve in curves.items():
        mark = marks[name]
        axes.plot(curve.x, curve.y, mark.dash, color=mark.colour, linewidth=mark.width, label=name)
    axes.margins(x=0.12)
    dots = {name: (each.cost_usd, each.score) for name, each in models.items() if each.cost_usd}
    axes.plot(*zip(*dots.values(), strict=True), "D", color=style.BLACK, markersize=5)
    _write_names(axes, {name.rpartition("/")[2]: dot for name, dot in dots.items()})
    axes.xaxis.set_major_formatter(FuncFormatter(lambda usd, _: f"${usd:g}"))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("mean dollars per query")
    axes.set_ylabel("mean score")
    figure.legend(loc="outside right upper")


def _write_names(axes: Axes, dots: Mapping[str, tuple[float, float]]) -> None:
    """Writes each name beside its dot, where it covers no name that stands already."""
    points_per_pixel = 72 / axes.figure.dpi
    taken: list[Bbox] = []
    for name, dot in dots.items():
        x, y = axes.transData.transform(dot) * points_per_pixel
        boxes = {place: _box(name, x, y, place) for place in PLACES}
        place = min(PLACES, key=lambda place: sum(boxes[place].overlaps(box) for box in taken))
        taken.append(boxes[place])
        axes.annotate(name, dot, place[:2], textcoords="offset points", ha=place[2], fontsize=7.5)


def _box(name: str, x: float, y: float, place: tuple[float, float, str]) -> Bbox:
    width, height = LETTER[0] * len(name), LETTER[1]
    left = x + place[0] - width * {"left": 0.0, "center": 0.5, "right": 1.0}[place[2]]
    return Bbox.from_bounds(left, y + place[1], width, height)
