"""How every picture looks, and how it becomes a file that is the same bytes each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Okabe and Ito 2008, "Color Universal Design": told apart with any kind of colour vision.
BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#8A8A8A"
PALE = "#D9D9D9"

SHADES = "cividis"
"""Of heat maps: its lightness rises evenly, for any kind of colour vision."""

SETTINGS: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "grid.color": "#E6E6E6",
    "legend.frameon": False,
    # Letters become outlines, so no reader's fonts can move or cut them.
    "svg.fonttype": "path",
    # Ids within the file are hashes with this; the default is random.
    "svg.hashsalt": "routemoa",
}


def write_picture(path: Path, draw: Callable[[Figure], None], *, size: tuple[float, float]) -> None:
    """Writes what ``draw`` puts on an empty figure.

    Args:
        path: Its ending, .svg or .png, decides the format.
        draw: Draws on the figure.
        size: Width and height in inches.
    """
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        # Without a date and a version, the same marks give the same bytes.
        metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(path, metadata=metadata)
