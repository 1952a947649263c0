"""The chance of each model in each kind of query.

``class weights (N, K), targets (N, M) -> success (K, M)``

A mean of few labels says little, so it is shrunk towards what a model of its ability would have there.
Ability and difficulty, one number each, are fitted on the logit scale to all kinds of all panels (the
one-parameter item response model, Rasch 1960). So a choice by kind has to be earned by labels. Where
there are few, the model that is best on average comes first. And files of different models can be
trained together: the others in a file tell how difficult it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.training.calibrate import logit, sigmoid

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

PRIOR_LABELS = 20.0
"""Weight of a model's ability, in labels of a kind."""

ABILITY_LABELS = 100.0
"""More labels than these in one kind say little about ability beyond that kind."""

PANEL_ROWS = 100
"""Smallest number of rows of a panel."""

LARGEST_CERTAINTY = 0.99
"""Largest probability of success or failure: a kind has a few hundred labels at most."""

RIDGE = 1e-3
"""Weight, in labels, of ability and difficulty zero."""


def panels_of(targets: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """Returns the panel of each row, (N,): rows with labels of the same models were asked together.

    Two files of different models differ in difficulty too, even within a kind. Panels of few rows are
    one panel.
    """
    _, panels, counts = np.unique(
        ~np.isnan(targets), axis=0, return_inverse=True, return_counts=True
    )
    large = counts >= PANEL_ROWS
    numbers = np.where(large, np.cumsum(large), 0)
    return np.unique(numbers[panels.reshape(-1)], return_inverse=True)[1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """The labels of some queries, by panel, kind and model; one tally can be taken from another."""

    sizes: Floats
    """Number of queries, (P, K)."""
    wins: Floats
    """Sum of the labels, (P, K, M)."""
    counts: Floats
    """Number of labels, (P, K, M)."""

    @classmethod
    def of(
        cls,
        weights: Floats,
        targets: npt.NDArray[np.floating],
        panels: npt.NDArray[np.int64],
        panel_count: int,
    ) -> Tally:
        """Counts labels, (N, M), NaN where there is none; a query counts in kinds by (N, K)."""
        known = ~np.isnan(targets)
        labels = np.where(known, targets, 0.0)
        rows = [panels == panel for panel in range(panel_count)]
        return cls(
            sizes=np.array([weights[row].sum(axis=0) for row in rows]),
            wins=np.array([weights[row].T @ labels[row] for row in rows]),
            counts=np.array([weights[row].T @ known[row] for row in rows]),
        )

    def without(self, other: Tally) -> Tally:
        """Returns the tally of the queries that are not in ``other``."""
        return Tally(
            sizes=np.maximum(self.sizes - other.sizes, 0.0),
            wins=np.maximum(self.wins - other.wins, 0.0),
            counts=np.maximum(self.counts - other.counts, 0.0),
        )

    def success(self) -> Floats:
        """Returns the chance that a model answers a query of the kind well, (K, M)."""
        cells = (-1, self.wins.shape[2])
        expected = _expected(self.wins.reshape(cells), self.counts.reshape(cells))
        wins = self.wins + PRIOR_LABELS * expected.reshape(self.wins.shape)
        shares = (self.sizes + 1e-9) / (self.sizes + 1e-9).sum(axis=0)
        means: Floats = np.einsum("pk,pkm->km", shares, wins / (self.counts + PRIOR_LABELS))
        return np.clip(means, 1 - LARGEST_CERTAINTY, LARGEST_CERTAINTY)


def _expected(wins: Floats, counts: Floats) -> Floats:
    """Returns the success that ability and difficulty predict; a row is a kind in a panel."""
    logits = logit((wins + 0.5) / (counts + 1.0))
    weights = np.minimum(counts, ABILITY_LABELS)
    # Weighted least squares on logits = ability - difficulty; the ridge decides what labels do not.
    totals = np.concatenate([weights.sum(axis=0), weights.sum(axis=1)]) + RIDGE
    normal = np.diag(totals)
    models = weights.shape[1]
    normal[:models, models:] = -weights.T
    normal[models:, :models] = -weights
    sums = weights * logits
    solution = np.linalg.solve(normal, np.concatenate([sums.sum(axis=0), -sums.sum(axis=1)]))
    return sigmoid(solution[:models] - solution[models:, None])
