"""The curves of a pool: right answers against dollars, and against simulated seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl

from tests.bench.curves.ways import DEFAULT, ORACLE, SINGLES

mpl.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from tests.bench.curves.points import Point


def draw(title: str, found: Sequence[Point], best_right: float, path: Path) -> None:
    """Draws every way as a line, every model as a cross, and the default settings as stars."""
    figure, (dollars, seconds) = plt.subplots(1, 2, figsize=(13, 5.5), sharey=True)
    _plot(dollars, found, lambda point: point.usd)
    _plot(seconds, found, lambda point: point.seconds)
    dollars.set(xscale="log", xlabel="dollars per 1,000 queries", ylabel="right, %", title=title)
    seconds.set(xscale="log", xlabel="simulated seconds", title="star: default settings")
    for axes in (dollars, seconds):
        axes.axhline(100 * best_right, color="grey", linewidth=0.8, linestyle=":")
        axes.grid(visible=True, alpha=0.3)
    lowest = min(p.right.mean for p in found if p.way not in {SINGLES, ORACLE})
    dollars.set_ylim(100 * lowest - 3, 100 * max(p.right.high for p in found) + 0.5)
    seconds.legend(loc="upper right", fontsize=8, ncols=2)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _plot(axes: Axes, found: Sequence[Point], place: Callable[[Point], float]) -> None:
    for way in dict.fromkeys(point.way for point in found):
        own = sorted((p for p in found if p.way == way), key=place)
        across, up = [place(p) for p in own], [100 * p.right.mean for p in own]
        if way == SINGLES:
            axes.plot(across, up, "x", color="black", label=way)
            continue
        errors = [
            [100 * (p.right.mean - p.right.low) for p in own],
            [100 * (p.right.high - p.right.mean) for p in own],
        ]
        drawn = axes.errorbar(
            across, up, yerr=errors, marker=".", capsize=2, linewidth=1.2, label=way
        )
        usual = [p for p in own if p.setting == DEFAULT]
        colour = drawn[0].get_color()
        axes.plot(
            [place(p) for p in usual], [100 * p.right.mean for p in usual], "*", ms=13, c=colour
        )
