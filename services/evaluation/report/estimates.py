"""Values per query -> means and savings with 95 % intervals. Pure.

The intervals are those of `scorer.measures.intervals`. All columns share the resamples, so the
interval of a difference is that of the paired difference.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.intervals import Interval, bootstrap_means, interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

RESAMPLES = 2_000


def estimate_means(columns: Sequence[Sequence[float]], *, seed: int) -> list[Interval]:
    """Returns the mean of each column with its interval; all columns have a value per query."""
    resampled = _resampled_means(columns, seed)
    return [interval(fmean(column), resampled[:, k]) for k, column in enumerate(columns)]


def estimate_mean(values: Sequence[float], *, seed: int) -> Interval:
    """Returns the mean of the values with its interval."""
    return estimate_means([values], seed=seed)[0]


def estimate_difference(ours: Sequence[float], theirs: Sequence[float], *, seed: int) -> Interval:
    """Returns the mean of the paired differences, ours less theirs, with its interval."""
    return estimate_mean([a - b for a, b in zip(ours, theirs, strict=True)], seed=seed)


def estimate_saving(ours: Sequence[float], theirs: Sequence[float], *, seed: int) -> Interval:
    """Returns the share of their total that ours saves, with its interval; theirs is above 0."""
    resampled = _resampled_means([ours, theirs], seed)
    return interval(1 - sum(ours) / sum(theirs), 1 - resampled[:, 0] / resampled[:, 1])


def _resampled_means(columns: Sequence[Sequence[float]], seed: int) -> npt.NDArray[np.float64]:
    outcomes = np.array(columns, dtype=np.float64).T
    one_group = [""] * len(outcomes)
    return bootstrap_means(outcomes, one_group, seed=seed, resamples=RESAMPLES)
