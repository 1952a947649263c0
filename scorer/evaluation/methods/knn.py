"""Predicts by the k nearest training queries by cosine, as in RouterBench (Hu et al. 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.training.neighbours import COUNTS, FOLDS, Neighbours, fit_neighbours

if TYPE_CHECKING:
    import numpy.typing as npt
    from numpy import float32

    from scorer.evaluation.dataset import Dataset, Queries


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Memory:
    """Predicts by neighbours."""

    neighbours: Neighbours

    def predict(self, queries: Queries) -> npt.NDArray[float32]:
        """Returns the scores, (N, M)."""
        return self.neighbours.scores(queries.features)


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestNeighbours:
    """Chooses k by cross-validation, then remembers all training queries."""

    name: str = "knn"
    counts: tuple[int, ...] = COUNTS
    folds: int = FOLDS

    def fit(self, train: Dataset, *, seed: int) -> Memory:
        """Chooses k by the pool's average."""
        found = fit_neighbours(
            train.features,
            train.targets,
            train.texts,
            weights=train.weights,
            counts=self.counts,
            folds=self.folds,
            seed=seed,
        )
        return Memory(neighbours=found)
