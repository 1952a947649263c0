"""How often one of the best models was among the first ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scorer.reports import style
from scorer.reports.pictures.marks import name_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

COLOURS = (style.BLUE, style.SKY, style.ORANGE, style.PALE)
BAR_SPACE = 0.86
"""Of the room between groups of bars, this much is bars."""
NARROW = 0.08
"""A shorter bar has no room for its figure."""


def hits_of_methods(
    figure: Figure, hits_at_1: Mapping[str, float], hits_at_3: Mapping[str, float]
) -> None:
    """Draws hit@1 on top of hit@3 for every method, the first one uppermost."""
    axes = figure.add_subplot()
    names = list(hits_at_1)
    places = np.arange(len(names))
    for hits, colour, label in (
        (hits_at_3, style.SKY, "hit@3"),
        (hits_at_1, style.BLUE, "hit@1"),
    ):
        values = [hits[name] for name in names]
        axes.barh(places, values, height=0.7, color=colour, label=label)
    for place, name in zip(places, names, strict=True):
        inner, outer = hits_at_1[name], hits_at_3[name]
        after = f"{outer:.3f}"
        if inner < NARROW:
            after = f"{inner:.3f}, {after}"
        else:
            axes.text(inner - 0.01, place, f"{inner:.3f}", va="center", ha="right", color="white")
        axes.text(max(outer, inner) + 0.008, place, after, va="center")
    name_rows(axes, names)
    axes.set_xlim(0, 1.1)
    axes.set_xticks(np.arange(0, 1.01, 0.2))
    axes.set_xlabel("share of queries")
    figure.legend(loc="outside upper right", ncols=2, reverse=True)


def hits_by_count(figure: Figure, hits: Mapping[str, Sequence[float]]) -> None:
    """Draws a group of bars for each number of models, one bar per way to choose them."""
    axes = figure.add_subplot()
    counts = np.arange(1, len(next(iter(hits.values()))) + 1)
    width = BAR_SPACE / len(hits)
    for place, (name, values) in enumerate(hits.items()):
        left = counts - BAR_SPACE / 2 + (place + 0.5) * width
        axes.bar(left, values, width=width * 0.94, color=COLOURS[place], label=name)
        for x, value in zip(left, values, strict=True):
            axes.text(x, value + 0.012, f"{value:.2f}", ha="center", fontsize=7.5)
    axes.set_xticks(counts, [f"{count} model{'s' if count > 1 else ''}" for count in counts])
    axes.set_ylim(0, 1.08)
    axes.set_yticks(np.arange(0, 1.01, 0.2))
    axes.grid(visible=False, axis="x")
    axes.set_ylabel("share of queries with a best model among them")
    figure.legend(loc="outside upper center", ncols=len(hits))
