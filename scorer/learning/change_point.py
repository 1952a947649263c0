"""Finds the time at which a model changed: a likelihood-ratio scan over its own residuals.

``residuals of one model's labels, oldest first -> the first alarm, or none``

The statistic for a change after label s, seen at label t, is the logarithm of the generalized
likelihood ratio of two means against one. The means are unknown, so a residual that is wrong by a
constant does no harm. Like CUSUM it is sequential: an alarm at t needs no label after t (Siegmund and
Venkatraman 1995, "Using the generalized likelihood ratio statistic for sequential detection of a
change-point").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

THRESHOLD = 10.0
"""Logarithm of the likelihood ratio from which on a model has changed. At less than one false alarm in
50,000 labels (``python -m tests.bench.bench_learning``)."""

AFTER = (20, 30, 45, 65, 100, 150, 200, 250, 300, 400, 600)
"""Numbers of labels after a change that are tried."""

LEAST_BEFORE = 40
LEAST_VARIANCE = 0.05


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
    found: Change | None = None
    for after in AFTER:
        ends = np.arange(LEAST_BEFORE + after, count + 1)
        if not len(ends):
            break
        splits = ends - after
        before_means = sums[splits] / splits
        after_means = (sums[ends] - sums[splits]) / after
        variance = squares[ends] / ends - np.square(sums[ends] / ends)
        ratio = splits * after / ends * np.square(after_means - before_means) / 2
        alarms = np.flatnonzero(ratio > THRESHOLD * np.maximum(variance, LEAST_VARIANCE))
        if len(alarms) and (found is None or ends[alarms[0]] - 1 < found.seen):
            at = alarms[0]
            found = Change(
                first=int(splits[at]),
                seen=int(ends[at]) - 1,
                before=float(before_means[at]),
                after=float(after_means[at]),
            )
    return found
