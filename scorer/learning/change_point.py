"""Finds the time at which a model changed, by its own residuals: a Shiryaev-Roberts statistic.

``residuals of one model's labels, oldest first -> the first alarm, or none``

For each label s, the Bayes factor of another mean from s on, against no change, follows from the means
before and after s. At each label the sum over s is compared with a threshold A. Without a change the
sum grows by one per label on average, so a false alarm takes A labels or more on average (Pollak 1985,
"Optimal detection of a change in distribution"). The change has a normal prior that expects the worse
rather than the better: a model that becomes worse does harm until it is found. The means are those of
the labels, so a residual that is wrong by a constant does no harm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

THRESHOLD = math.log(50_000)
"""Logarithm of the sum from which on a model has changed. At less than one false alarm in 50,000 labels
(``python -m tests.bench.bench_learning``)."""

SPREAD = 0.15
"""Standard deviation of the prior of a change; wrong feedback makes changes look smaller."""

WORSE = 0.9
"""Prior probability that a change is for the worse."""

STEP = 5
"""Labels between the splits that are tried."""
MOST_AFTER = 1000
"""Most labels after a change in which it is looked for."""
LEAST_BEFORE = 40
LEAST_VARIANCE = 0.05

_GRID = np.linspace(-6.0, 6.0, 2401)
_NORMAL = np.array([0.5 * math.erfc(-each / math.sqrt(2)) for each in _GRID])
"""The normal distribution function on a grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A model that answers better or worse than before."""

    first: int
    """The first label after the change."""
    seen: int
    """The label at which the change was found."""
    before: float
    """Mean residual before it, since the last change."""
    after: float
    """Mean residual from the change to the alarm."""


def find_changes(residuals: Floats) -> tuple[Change, ...]:
    """Returns all changes of one model, by its residuals (L,), oldest first."""
    changes: list[Change] = []
    start = 0
    while (change := _first_change(residuals[start:])) is not None:
        changes.append(
            Change(
                first=start + change.first,
                seen=start + change.seen,
                before=change.before,
                after=change.after,
            )
        )
        start += change.first
    return tuple(changes)


def _first_change(residuals: Floats) -> Change | None:
    count = len(residuals)
    sums = np.concatenate([[0.0], np.cumsum(residuals)])
    squares = np.concatenate([[0.0], np.cumsum(np.square(residuals))])
    ends = np.arange(LEAST_BEFORE + STEP, count + 1)
    if not len(ends):
        return None
    variances = np.maximum(squares[ends] / ends - np.square(sums[ends] / ends), LEAST_VARIANCE)
    totals, best = np.zeros(len(ends)), np.full(len(ends), -np.inf)
    afters = np.zeros(len(ends), dtype=np.intp)
    for after in range(STEP, min(MOST_AFTER, count - LEAST_BEFORE) + 1, STEP):
        tried = slice(after - STEP, None)
        splits = ends[tried] - after
        falls = sums[splits] / splits - (sums[ends[tried]] - sums[splits]) / after
        factors = _log_bayes_factor(falls, variances[tried] * (1 / splits + 1 / after))
        totals[tried] += STEP * np.exp(np.minimum(factors, 100.0))
        better = factors > best[tried]
        best[tried] = np.where(better, factors, best[tried])
        afters[tried] = np.where(better, after, afters[tried])
    alarms = np.flatnonzero(totals > math.exp(THRESHOLD))
    if not len(alarms):
        return None
    end = int(ends[alarms[0]])
    first = end - int(afters[alarms[0]])
    return Change(
        first=first,
        seen=end - 1,
        before=float(sums[first] / first),
        after=float((sums[end] - sums[first]) / (end - first)),
    )


def _log_bayes_factor(falls: Floats, variances: Floats) -> Floats:
    """Returns the logarithms of the Bayes factors of falls of the mean, with their variances, (S,)."""
    weights = SPREAD**2 / (SPREAD**2 + variances)
    places = falls * np.sqrt(weights / variances)
    worse = np.interp(places, _GRID, _NORMAL)
    sides = np.log(2 * (WORSE * worse + (1 - WORSE) * (1 - worse)))
    return np.asarray(0.5 * np.log1p(-weights) + 0.5 * np.square(places) + sides)
