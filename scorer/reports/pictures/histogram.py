"""Which scores are given, and how many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import PercentFormatter

from scorer.reports import style

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.figure import Figure

BINS = 40


def score_histogram(
    figure: Figure, scores: npt.NDArray[np.floating], best_scores: npt.NDArray[np.floating]
) -> None:
    """Draws the scores of all models (any shape), and those of the first-ranked ones, (N,)."""
    axes = figure.add_subplot()
    shares = {"all models": (scores.ravel(), style.PALE), "first choice": (best_scores, style.BLUE)}
    for name, (values, colour) in shares.items():
        axes.hist(
            values,
            bins=BINS,
            range=(0, 1),
            weights=[1 / len(values)] * len(values),
            color=colour,
            histtype="stepfilled" if colour == style.PALE else "step",
            linewidth=2,
            label=name,
        )
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlim(0, 1)
    axes.set_xlabel("score")
    axes.set_ylabel("share of the scores")
    figure.legend(loc="outside upper right", ncols=2)
