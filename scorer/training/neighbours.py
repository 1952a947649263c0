"""Predicts by the k nearest training queries by cosine, as in RouterBench (Hu et al. 2024).

A model's score is its mean over the neighbours that have a label for it. Needs numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.splits import fold_of
from scorer.measures.ranking import mean_by_model, ranking_figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

COUNTS = (5, 10, 20, 40, 80, 160, 320)
"""The numbers of neighbours that are tried."""

FOLDS = 5

CHUNK = 512
"""Number of queries that are compared with the memory at a time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbours:
    """The training queries, of which the k nearest predict."""

    features: Floats
    """Features of unit length, (N, F)."""
    targets: Floats
    """Labels, (N, M), NaN where there is none."""
    k: int

    def scores(self, features: Floats) -> Floats:
        """Returns the neighbours' mean target, (N, M); a model's own mean where they have none."""
        return _scores(self.features, self.targets, features, (self.k,))[0]


def fit_neighbours(
    features: Floats,
    targets: Floats,
    texts: Sequence[str],
    *,
    weights: npt.NDArray[np.floating] | None = None,
    counts: tuple[int, ...] = COUNTS,
    folds: int = FOLDS,
    seed: int,
) -> Neighbours:
    """Chooses the k whose first choices score best, by cross-validation; of equal ones, the largest.

    Each training query is held out once: on a single validation part the choice is noise, and the
    k with the best probabilities is too small to rank well.

    Args:
        features: Features of unit length, (N, F).
        targets: Labels, (N, M), NaN where there is none.
        texts: The queries; equal ones are in one fold.
        weights: Weight of each row, (N,); equal if left out.
        counts: The numbers of neighbours to try.
        folds: Number of folds.
        seed: Decides the folds.
    """
    fold_of_row = np.array([fold_of(text, folds, seed) for text in texts])
    held_out = [np.zeros(targets.shape, dtype=np.float32) for _ in counts]
    for fold in np.unique(fold_of_row):
        rest, rows = fold_of_row != fold, fold_of_row == fold
        if rest.any():
            found = _scores(features[rest], targets[rest], features[rows], counts)
            for scores, of_fold in zip(held_out, found, strict=True):
                scores[rows] = of_fold
    gains = {
        k: ranking_figures(scores, targets, weights).mean_score
        for k, scores in zip(counts, held_out, strict=True)
    }
    best = max(counts, key=lambda k: (gains[k], k))
    return Neighbours(features=features, targets=targets, k=best)


def _scores(
    known: Floats, known_targets: Floats, features: Floats, counts: tuple[int, ...]
) -> list[Floats]:
    """Returns the scores for several k at once, each (N, M)."""
    labelled = ~np.isnan(known_targets)
    targets = np.where(labelled, known_targets, 0)
    fallback = mean_by_model(known_targets).clip(0, 1)
    found: list[list[Floats]] = [[] for _ in counts]
    for start in range(0, len(features), CHUNK):
        similarities = features[start : start + CHUNK] @ known.T
        nearest = _largest(similarities, min(max(counts), len(known)))
        for rows, k in zip(found, counts, strict=True):
            neighbours = nearest[:, :k]
            sums = targets[neighbours].sum(axis=1)
            labels = labelled[neighbours].sum(axis=1)
            rows.append(np.where(labels, sums / np.maximum(labels, 1), fallback))
    return [np.concatenate(rows).astype(np.float32) for rows in found]


def _largest(similarities: Floats, count: int) -> npt.NDArray[np.intp]:
    """Returns the columns of the largest values of each row, largest first, (N, count)."""
    found = np.argpartition(-similarities, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(similarities, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)
