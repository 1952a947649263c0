"""Measures the value of an uncertainty: over the surest queries, and with a fallback for the others.

``uncertainties (N,), outcomes (N,) -> coverage and mean outcome of the surest queries``
``... and outcomes of a safe choice (N,) -> coverage and mean outcome of all, with that fallback``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoverageCurve:
    """Score against coverage, from the surest query to all of them."""

    coverages: npt.NDArray[np.float64]
    """Share of the queries kept, rising to 1, (N,)."""
    scores: npt.NDArray[np.float64]
    """Mean outcome of the queries kept, (N,)."""

    @property
    def area(self) -> float:
        """The mean score over all coverages; for a random uncertainty it is the mean outcome."""
        return float(np.average(self.scores, weights=np.diff(self.coverages, prepend=0.0)))

    def score_at(self, coverage: float) -> float:
        """Returns the mean outcome of the surest ``coverage`` of the queries."""
        return float(np.interp(coverage, self.coverages, self.scores))


def coverage_curve(
    uncertainties: Floats, outcomes: Floats, weights: Floats | None = None
) -> CoverageCurve:
    """Returns the mean outcome of the surest queries, for each number of them.

    Queries of equal uncertainty have no order: each counts as their mean.
    """
    shares = np.full(len(outcomes), 1 / len(outcomes)) if weights is None else weights
    _, groups = np.unique(uncertainties, return_inverse=True)
    means = np.bincount(groups, outcomes * shares) / np.bincount(groups, shares)
    order = np.argsort(groups, kind="stable")
    kept = np.cumsum(shares[order], dtype=np.float64)
    return CoverageCurve(coverages=kept, scores=np.cumsum((means[groups] * shares)[order]) / kept)


def fallback_curve(
    uncertainties: Floats,
    outcomes: Floats,
    safe_outcomes: Floats,
    weights: Floats | None = None,
) -> CoverageCurve:
    """Returns the mean outcome of all queries when all but the surest take the safe choice.

    It starts at coverage 0, where each outcome is the safe one. Queries of equal uncertainty have no
    order, as in ``coverage_curve``.
    """
    gains = coverage_curve(uncertainties, outcomes - safe_outcomes, weights)
    safe = float(np.average(safe_outcomes, weights=weights))
    return CoverageCurve(
        coverages=np.concatenate([[0.0], gains.coverages]),
        scores=safe + np.concatenate([[0.0], gains.scores * gains.coverages]),
    )
