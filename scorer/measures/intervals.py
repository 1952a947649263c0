"""Computes means of outcomes with 95 % intervals, by the percentile bootstrap over queries.

Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13. A resample has the same
queries in every column, so the difference of two columns is a paired difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]

RESAMPLES = 10_000
TAIL = 0.025
"""Share of the resamples on either side of the interval."""

CHUNK_CELLS = 4_000_000
"""Largest number of values that are drawn at a time: 32 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


def bootstrap_means(
    outcomes: Floats,
    strata: Sequence[str],
    *,
    seed: int,
    weights: Floats | None = None,
    resamples: int = RESAMPLES,
) -> npt.NDArray[np.float64]:
    """Returns the means of K columns of outcomes (N, K) in every resample, (resamples, K).

    Args:
        outcomes: Outcomes of K methods on N queries.
        strata: The group of each query. Groups are resampled apart, and the mean is that of their
            means. With one group it is the ordinary bootstrap of the ordinary mean.
        seed: Decides the resamples.
        weights: Weight of each query within its group, (N,); equal if left out.
        resamples: Number of resamples.
    """
    draw = np.random.default_rng(seed)
    names, groups = np.unique(np.asarray(strata), return_inverse=True)
    shares = np.ones(len(outcomes)) if weights is None else np.asarray(weights, dtype=np.float64)
    means = np.zeros((resamples, outcomes.shape[1]))
    for group in range(len(names)):
        rows = groups == group
        means += _group_means(outcomes[rows], shares[rows], resamples, draw) / len(names)
    return means


def interval(estimate: float, resampled: Floats) -> Interval:
    """Returns the percentile interval of an estimate from its resampled values (R,)."""
    low, high = np.quantile(resampled, (TAIL, 1 - TAIL))
    return Interval(mean=estimate, low=float(low), high=float(high))


def _group_means(
    outcomes: Floats,
    weights: npt.NDArray[np.float64],
    resamples: int,
    draw: np.random.Generator,
) -> npt.NDArray[np.float64]:
    size = len(outcomes)
    chunk = max(1, CHUNK_CELLS // size)
    means = []
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        # Counts of how often each query was drawn, so that one product serves all columns.
        picks = draw.integers(size, size=(rows, size)) + size * np.arange(rows)[:, None]
        counts = np.bincount(picks.ravel(), minlength=rows * size).reshape(rows, size)
        drawn = counts * weights
        means.append(drawn @ outcomes / drawn.sum(axis=1, keepdims=True))
    return np.concatenate(means)
