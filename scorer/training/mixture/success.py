"""The chance of each model in each kind of query.

``class weights (N, K), targets (N, M) -> success (K, M)``

A mean of few labels says little, so it is shrunk towards what a model of its ability would have there.
Ability and difficulty, one number each, are fitted on the logit scale to all kinds (the one-parameter
item response model, Rasch 1960). So a choice by kind has to be earned by labels; where there are few,
the model that is best on average comes first. And files of different models can be trained together.
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

LARGEST_CERTAINTY = 0.99
"""Largest probability of success or failure: a kind has a few hundred labels at most."""

RIDGE = 1e-3
"""Weight, in labels, of ability and difficulty zero."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """The labels of some queries, by kind and model; one tally can be taken from another."""

    wins: Floats
    """Sum of the labels, (K, M)."""
    counts: Floats
    """Number of labels, (K, M)."""

    @classmethod
    def of(cls, weights: Floats, targets: npt.NDArray[np.floating]) -> Tally:
        """Counts labels, (N, M), NaN where there is none; a query counts in kinds by (N, K)."""
        known = ~np.isnan(targets)
        return cls(wins=weights.T @ np.where(known, targets, 0.0), counts=weights.T @ known)

    def without(self, other: Tally) -> Tally:
        """Returns the tally of the queries that are not in ``other``."""
        return Tally(
            wins=np.maximum(self.wins - other.wins, 0.0),
            counts=np.maximum(self.counts - other.counts, 0.0),
        )

    def success(self) -> Floats:
        """Returns the chance that a model answers a query of the kind well, (K, M)."""
        wins = self.wins + PRIOR_LABELS * _expected(self)
        means: Floats = wins / (self.counts + PRIOR_LABELS)
        return np.clip(means, 1 - LARGEST_CERTAINTY, LARGEST_CERTAINTY)


def _expected(tally: Tally) -> Floats:
    """Returns the success (K, M) that ability and difficulty predict."""
    logits = logit((tally.wins + 0.5) / (tally.counts + 1.0))
    weights = np.minimum(tally.counts, ABILITY_LABELS)
    # Weighted least squares on logits = ability - difficulty; the ridge decides what labels do not.
    totals = np.concatenate([weights.sum(axis=0), weights.sum(axis=1)]) + RIDGE
    normal = np.diag(totals)
    models = weights.shape[1]
    normal[:models, models:] = -weights.T
    normal[models:, :models] = -weights
    sums = weights * logits
    solution = np.linalg.solve(normal, np.concatenate([sums.sum(axis=0), -sums.sum(axis=1)]))
    return sigmoid(solution[:models] - solution[models:, None])
