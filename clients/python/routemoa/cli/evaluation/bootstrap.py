"""Per-query values -> their mean and a 95 % interval, by the percentile bootstrap.

Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_RESAMPLE_COUNT = 2_000
_TAIL = 0.025


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


def estimate_mean(values: Sequence[float], *, seed: int) -> Estimate:
    """Estimates the mean of the population that ``values`` (at least one) were drawn from."""
    generator = random.Random(seed)  # noqa: S311 - resampling, not cryptography
    count = len(values)
    means = sorted(sum(generator.choices(values, k=count)) / count for _ in range(_RESAMPLE_COUNT))
    return Estimate(mean=fmean(values), low=quantile(means, _TAIL), high=quantile(means, 1 - _TAIL))


def estimate_difference(ours: Sequence[float], theirs: Sequence[float], *, seed: int) -> Estimate:
    """Estimates the mean of the paired differences, ours less theirs, query by query."""
    return estimate_mean([a - b for a, b in zip(ours, theirs, strict=True)], seed=seed)


def estimate_saving(ours: Sequence[float], theirs: Sequence[float], *, seed: int) -> Estimate:
    """Estimates the share of their total that ours saves, query by query; theirs is above zero."""
    generator = random.Random(seed)  # noqa: S311 - resampling, not cryptography
    pairs = list(zip(ours, theirs, strict=True))
    shares = sorted(_saving(generator.choices(pairs, k=len(pairs))) for _ in range(_RESAMPLE_COUNT))
    return Estimate(
        mean=_saving(pairs), low=quantile(shares, _TAIL), high=quantile(shares, 1 - _TAIL)
    )


def _saving(pairs: Sequence[tuple[float, float]]) -> float:
    return 1 - sum(ours for ours, _ in pairs) / sum(theirs for _, theirs in pairs)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Returns the value below which ``share`` of the values lie, between neighbours by line."""
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])
