"""What more records would be worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import NullFormatter

from scorer.reports import style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from scorer.measures.intervals import Interval


def learning_curve(figure: Figure, scores: Mapping[int, Interval], *, best_single: float) -> None:
    """Draws the mean score, with its interval, by the number of training records."""
    axes = figure.add_subplot()
    counts = list(scores)
    means = [scores[count].mean for count in counts]
    axes.set_xscale("log")
    axes.fill_between(
        counts,
        [scores[count].low for count in counts],
        [scores[count].high for count in counts],
        color=style.SKY,
        alpha=0.3,
        linewidth=0,
        label="95 % interval",
    )
    axes.plot(counts, means, "o-", color=style.BLUE, linewidth=2, label="scorer")
    axes.axhline(best_single, linestyle="--", color=style.BLACK, label="best single model")
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()
    axes.set_xlabel("training records")
    axes.set_ylabel("mean score of the first choice")
    figure.legend(loc="outside upper center", ncols=3)
