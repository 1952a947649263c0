"""The benefit of a scorer: its first choices against those of simpler ways to choose.

``score of each held-out first choice, by three ways (N, 3) -> Benefit <-> figures by name``

The figures stand among the others of a checkpoint and of an artifact's manifest.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.intervals import Interval, bootstrap_means, interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]

SEED = 1

RECORDS = "held_out_records"
SCORE = "held_out_score"
OVER_BEST_SINGLE = "gain_over_best_single"
OVER_KNN = "gain_over_knn"


class Verdict(enum.StrEnum):
    """The findings about a difference with an interval."""

    BETTER = "better"
    """The whole interval is above zero."""
    UNCLEAR = "unclear"
    WORSE = "worse"
    """The whole interval is below zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefit:
    """The benefit of a scorer on records that it has not learned from."""

    record_count: int
    score: float
    """Mean score of its first choices."""
    over_best_single: Interval
    """Gain over always taking the model that is best in the training records."""
    over_knn: Interval
    """Gain over the model that is best among the nearest training queries."""

    @property
    def verdict(self) -> Verdict:
        """The finding about the gain over the best single model."""
        return verdict_of(self.over_best_single)

    def sentence(self, best_single: str = "the best single model") -> str:
        """Returns the finding in words."""
        found = {
            Verdict.BETTER: "is better than",
            Verdict.UNCLEAR: "is not shown to be better than",
            Verdict.WORSE: "is worse than",
        }[self.verdict]
        return (
            f"Choosing by query {found} always taking {best_single}: "
            f"{points(self.over_best_single)} on {self.record_count} held-out records"
        )

    @property
    def figures(self) -> dict[str, float]:
        """The figures by name."""
        found: dict[str, float] = {RECORDS: self.record_count, SCORE: self.score}
        for name, gain in ((OVER_BEST_SINGLE, self.over_best_single), (OVER_KNN, self.over_knn)):
            found |= {name: gain.mean, f"{name}_low": gain.low, f"{name}_high": gain.high}
        return found


def benefit_of(outcomes: Floats, weights: Floats) -> Benefit:
    """Returns the benefit, with paired bootstrapped intervals.

    Args:
        outcomes: Score of each record's first choice by the scorer, by the best single model and by
            nearest neighbours, (N, 3).
        weights: Weight of each record, (N,).
    """
    means = np.average(outcomes, axis=0, weights=weights)
    resampled = bootstrap_means(outcomes, ["all"] * len(outcomes), seed=SEED, weights=weights)
    over_best_single, over_knn = (
        interval(float(means[0] - means[other]), resampled[:, 0] - resampled[:, other])
        for other in (1, 2)
    )
    return Benefit(
        record_count=len(outcomes),
        score=float(means[0]),
        over_best_single=over_best_single,
        over_knn=over_knn,
    )


def benefit_in(figures: Mapping[str, float]) -> Benefit | None:
    """Returns the benefit that is among some figures; None if it was not measured."""
    names = [
        f"{name}{end}" for name in (OVER_BEST_SINGLE, OVER_KNN) for end in ("", "_low", "_high")
    ]
    if not {RECORDS, SCORE, *names} <= figures.keys():
        return None
    return Benefit(
        record_count=int(figures[RECORDS]),
        score=figures[SCORE],
        over_best_single=_gain(figures, OVER_BEST_SINGLE),
        over_knn=_gain(figures, OVER_KNN),
    )


def verdict_of(gain: Interval) -> Verdict:
    """Returns the finding about a gain."""
    if gain.low > 0:
        return Verdict.BETTER
    return Verdict.WORSE if gain.high < 0 else Verdict.UNCLEAR


def points(gain: Interval) -> str:
    """Returns a gain in points, with its interval."""
    return f"{100 * gain.mean:+.1f} points [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"


def _gain(figures: Mapping[str, float], name: str) -> Interval:
    return Interval(mean=figures[name], low=figures[f"{name}_low"], high=figures[f"{name}_high"])
