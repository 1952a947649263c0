"""The chance of each model in each kind of query.

``class weights (N, K), targets (N, M) -> success (K, M)``

A mean of few labels says little, so it is shrunk towards what a model of its ability would have there.
Ability and difficulty, one number each, are fitted on the logit scale to all kinds of all panels (the
one-parameter item response model, Rasch 1960). So a choice by kind has to be earned by labels. Where
there are few, the model that is best on average comes first. And files of different models can be
trained together: the others in a file tell how difficult it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scorer.training.calibrate import logit, sigmoid

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

PRIOR_LABELS = 20.0
"""Weight of a model's ability, in labels of a kind."""

PANEL_ROWS = 100
"""Smallest number of rows of a panel."""

LARGEST_CERTAINTY = 0.99
"""Largest probability of success or failure: a kind has a few hundred labels at most."""

RIDGE = 1e-3
"""Weight, in labels, of ability and difficulty zero."""


def success_by_kind(weights: Floats, targets: npt.NDArray[np.floating]) -> Floats:
    """Returns the chance that a model answers a query of the kind well, (K, M).

    Args:
        weights: How much each query counts in each kind, (N, K).
        targets: Labels, (N, M), NaN where there is none.
    """
    known = ~np.isnan(targets)
    labels = np.where(known, targets, 0.0)
    panels = _panels(known)
    sizes = np.array([weights[rows].sum(axis=0) for rows in panels]) + 1e-9  # (P, K)
    wins = np.array([weights[rows].T @ labels[rows] for rows in panels])  # (P, K, M)
    counts = np.array([weights[rows].T @ known[rows] for rows in panels])
    cells = (-1, targets.shape[1])
    expected = _expected(wins.reshape(cells), counts.reshape(cells)).reshape(wins.shape)
    chances = (wins + PRIOR_LABELS * expected) / (counts + PRIOR_LABELS)
    means: Floats = np.einsum("pk,pkm->km", sizes / sizes.sum(axis=0), chances)
    return np.clip(means, 1 - LARGEST_CERTAINTY, LARGEST_CERTAINTY)


def _panels(known: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.intp]]:
    """Returns the rows of each panel: those with labels of the same models, (N, M).

    Two files of different models differ in difficulty too, even within a kind. Panels of few rows are
    one panel.
    """
    _, panels, counts = np.unique(known, axis=0, return_inverse=True, return_counts=True)
    large = counts >= PANEL_ROWS
    numbers = np.where(large, np.cumsum(large), 0)[panels.reshape(-1)]
    return [np.flatnonzero(numbers == number) for number in np.unique(numbers)] or [numbers]


def _expected(wins: Floats, counts: Floats) -> Floats:
    """Returns the success that ability and difficulty predict; a row is a kind in a panel."""
    logits = logit((wins + 0.5) / (counts + 1.0))
    # Weighted least squares on logits = ability - difficulty; the ridge decides what labels do not.
    totals = np.concatenate([counts.sum(axis=0), counts.sum(axis=1)]) + RIDGE
    normal = np.diag(totals)
    models = counts.shape[1]
    normal[:models, models:] = -counts.T
    normal[models:, :models] = -counts
    sums = counts * logits
    solution = np.linalg.solve(normal, np.concatenate([sums.sum(axis=0), -sums.sum(axis=1)]))
    return sigmoid(solution[:models] - solution[models:, None])
