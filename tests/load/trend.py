"""Does a figure grow? Its slope over time, with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

BLOCK = 10
"""Neighbouring samples are alike, so they are drawn together."""
DRAWS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Slope of a straight line through samples, per hour, with its 95 % interval."""

    per_hour: float
    low: float
    high: float

    @property
    def is_level(self) -> bool:
        """Whether the slope cannot be told from none."""
        return self.low <= 0 <= self.high


def trend(times_s: npt.ArrayLike, values: npt.ArrayLike, *, seed: int = 0) -> Trend:
    """Returns the trend of at least two samples, (N,) each; the interval is a block bootstrap's.

    Residuals of the line are drawn anew in blocks of neighbours, since memory that is high now is high
    a second later, too.
    """
    hours = np.asarray(times_s, dtype=float) / 3600
    samples = np.asarray(values, dtype=float)
    samples = samples - samples.mean()
    hours = hours - hours.mean()
    slope = float(_slopes(hours, samples))
    residuals = samples - slope * hours
    count = len(samples)
    block = max(1, min(BLOCK, count // 4))
    starts = np.random.default_rng(seed).integers(
        0, count - block + 1, size=(DRAWS, -(-count // block))
    )
    places = (starts[..., None] + np.arange(block)).reshape(DRAWS, -1)[:, :count]
    low, high = np.percentile(slope + _slopes(hours, residuals[places]), (2.5, 97.5))
    return Trend(per_hour=slope, low=float(low), high=float(high))


def _slopes(
    hours: npt.NDArray[np.float64], values: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Returns the least-squares slope of each row, (..., N) at hours whose mean is zero."""
    return np.asarray(values @ hours / (hours @ hours))
