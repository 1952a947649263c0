"""Tasks x models: one number per cell, in percent; darker is less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scorer.reports import style

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMALLEST_NUMBER = 0.005
"""What would be shown as 0 is left blank."""

RING = {"markersize": 22, "markerfacecolor": "none", "markeredgecolor": style.VERMILION}


def heat_map(
    figure: Figure,
    values: npt.NDArray[np.floating],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    label: str,
) -> None:
    """Draws values (rows, columns) in [0, 1]; NaN stays white. A ring is on the best of each row."""
    axes = figure.add_subplot()
    axes.grid(visible=False)
    shown = np.ma.masked_invalid(values)
    top = float(shown.max())
    picture = axes.imshow(shown, cmap=style.SHADES, vmin=0.0, vmax=top, aspect="auto")
    for row, line in enumerate(values):
        if not np.isnan(line).all():
            axes.plot(np.nanargmax(line), row, "o", **RING)
    _number(axes, values, top)
    axes.set_xticks(range(len(columns)), columns, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(labelsize=8, length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(picture, ax=axes, label=label, pad=0.01)


def size_of_map(rows: int, columns: int) -> tuple[float, float]:
    """Returns the width and height in inches that ``heat_map`` needs."""
    return (min(14.0, 4.5 + 0.48 * columns), 2.4 + 0.34 * rows)


def _number(axes: Axes, values: npt.NDArray[np.floating], top: float) -> None:
    for (row, column), value in np.ndenumerate(values):
        if value >= SMALLEST_NUMBER:
            colour = "black" if value > 0.55 * top else "white"
            text = f"{100 * value:.0f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=7.5, color=colour)
