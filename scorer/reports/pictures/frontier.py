"""What each method gets for its dollars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import Bbox

from scorer.reports import style
from scorer.reports.pictures.marks import marks_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

    from scorer.evaluation.curves import Curve, SingleModel

PLACES = ((0, -12, "center"), (8, -3, "left"), (0, 7, "center"), (-8, -3, "right"))
"""Where a name may stand around its dot: points to the right and up, and how it is aligned."""

DOT = 5.0
"""Half the width of a dot in pixels, and a little more."""

HALO = [withStroke(linewidth=2.5, foreground="white")]
"""Around names, which lines may pass behind."""


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
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda usd, _: f"${usd:.9f}".rstrip("0").rstrip("."))
    )
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("mean dollars per query")
    axes.set_ylabel("mean score")
    figure.legend(loc="outside right upper")
    # Decides where everything is.
    figure.draw_without_rendering()
    _write_names(axes, {name.rpartition("/")[2]: dot for name, dot in dots.items()})


def _write_names(axes: Axes, dots: Mapping[str, tuple[float, float]]) -> None:
    """Writes each name beside its dot, where it covers the fewest dots and names before it."""
    pixels = axes.transData.transform(list(dots.values()))
    taken = [Bbox.from_extents(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in pixels]
    for name, dot in dots.items():
        texts = [_text(axes, name, dot, place) for place in PLACES]
        boxes = [text.get_window_extent() for text in texts]
        covered = [sum(box.overlaps(other) for other in taken) for box in boxes]
        chosen = covered.index(min(covered))
        taken.append(boxes[chosen])
        for text in texts[:chosen] + texts[chosen + 1 :]:
            text.remove()


def _text(
    axes: Axes, name: str, dot: tuple[float, float], place: tuple[int, int, str]
) -> Annotation:
    return axes.annotate(
        name,
        dot,
        place[:2],
        textcoords="offset points",
        ha=place[2],
        fontsize=7.5,
        path_effects=HALO,
        zorder=5,
    )
