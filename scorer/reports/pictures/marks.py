"""The line or dot that stands for a name, the same in every picture of a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.reports import style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

COLOURS = (style.ORANGE, style.GREEN, style.SKY, style.PURPLE, style.VERMILION)
DASHES = ("-", "--", ":")

OURS = "routemoa"
"""Names that begin with this stand out."""
OUR_COLOURS = (style.BLUE, style.VERMILION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How one name is drawn; lines differ by dash where they share a colour."""

    colour: str
    dash: str = "-"
    width: float = 1.4


REFERENCE_MARKS = {
    "random": Mark(colour=style.GREY, dash=":"),
    "best_single": Mark(colour=style.BLACK, dash="--"),
    "best_per_task": Mark(colour=style.BLACK, dash="-."),
    "oracle": Mark(colour=style.GREY, dash="-"),
}
"""What methods are held against: no colour."""


def marks_of(names: Sequence[str]) -> dict[str, Mark]:
    """Returns the mark of each name; the same names in the same order give the same marks."""
    ours = [name for name in names if name.startswith(OURS)]
    others = [name for name in names if name not in REFERENCE_MARKS and name not in ours]
    marks = {name: mark for name, mark in REFERENCE_MARKS.items() if name in names}
    for place, name in enumerate(others):
        turn, colour = divmod(place, len(COLOURS))
        marks[name] = Mark(colour=COLOURS[colour], dash=DASHES[turn % len(DASHES)])
    for place, name in enumerate(ours):
        turn, colour = divmod(place, len(OUR_COLOURS))
        marks[name] = Mark(colour=OUR_COLOURS[colour], dash=DASHES[turn % len(DASHES)], width=2.8)
    return marks


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Writes the names beside rows 0, 1, ..., the first one uppermost, our own in bold."""
    axes.set_yticks(range(len(names)), names)
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if name.startswith(OURS) else "normal")
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
