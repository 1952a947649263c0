"""The k nearest training queries by cosine, as in RouterBench (Hu et al. 2024) and since.

A model's score is its mean over the neighbours that have a label for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.splits import fold_of
from scorer.measures.ranking import mean_by_model, ranking_figures

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.evaluation.dataset import Dataset, Queries

    Floats = npt.NDArray[np.float32]

CHUNK = 512
"""Queries compared with all of the memory at a time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Memory:
    """The training queries and what their k nearest say."""

    embeddings: Floats
    targets: Floats
    """(N, M), NaN where there is no label."""
    k: int

    def predict(self, queries: Queries) -> Floats:
        """Returns the neighbours' mean target, (N, M); a model's own mean where they have none."""
        return self.predictions(queries.embeddings, (self.k,))[0]

    def predictions(self, embeddings: Floats, counts: tuple[int, ...]) -> list[Floats]:
        """Returns the predictions for several k at once, each (N, M)."""
        labelled = ~np.isnan(self.targets)
        targets = np.where(labelled, self.targets, 0)
        fallback = mean_by_model(self.targets).clip(0, 1)
        found: list[list[Floats]] = [[] for _ in counts]
        for start in range(0, len(embeddings), CHUNK):
            similarities = embeddings[start : start + CHUNK] @ self.embeddings.T
            nearest = _largest(similarities, min(max(counts), len(self.embeddings)))
            for rows, k in zip(found, counts, strict=True):
                neighbours = nearest[:, :k]
                sums = targets[neighbours].sum(axis=1)
                labels = labelled[neighbours].sum(axis=1)
                rows.append(np.where(labels, sums / np.maximum(labels, 1), fallback))
        return [np.concatenate(rows).astype(np.float32) for rows in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestNeighbours:
    """Chooses k by cross-validation, then remembers all training queries."""

    name: str = "knn"
    counts: tuple[int, ...] = (5, 10, 20, 40, 80, 160, 320)
    folds: int = 5

    def fit(self, train: Dataset, *, seed: int) -> Memory:
        """Takes the k whose first choices score best; of equals, the largest.

        Every training query is held out once: on a single validation part the choice is noise, and
        the k with the best probabilities is too small to rank well.
        """
        folds = np.array([fold_of(text, self.folds, seed) for text in train.texts])
        held_out = [np.zeros(train.targets.shape, dtype=np.float32) for _ in self.counts]
        for fold in range(self.folds):
            rest, rows = folds != fold, folds == fold
            memory = Memory(embeddings=train.embeddings[rest], targets=train.targets[rest], k=0)
            found = memory.predictions(train.embeddings[rows], self.counts)
            for scores, of_fold in zip(held_out, found, strict=True):
                scores[rows] = of_fold
        gains = {
            k: ranking_figures(scores, train.targets, train.weights).mean_score
            for k, scores in zip(self.counts, held_out, strict=True)
        }
        best = max(self.counts, key=lambda k: (gains[k], k))
        return Memory(embeddings=train.embeddings, targets=train.targets, k=best)


def _largest(similarities: Floats, count: int) -> npt.NDArray[np.intp]:
    """Returns the columns of the largest values of each row, largest first, (N, count)."""
    found = np.argpartition(-similarities, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(similarities, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)
