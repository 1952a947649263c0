"""The k nearest training queries by cosine, as in RouterBench (Hu et al. 2024) and since.

A model's score is its mean over the neighbours that have a label for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.compare.methods.method import VALIDATION_FRACTION
from scorer.measures.calibration import calibration_figures
from scorer.measures.ranking import mean_by_model

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.compare.dataset import Dataset, Queries

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
            nearest = np.argsort(-similarities, axis=1, kind="stable")[:, : max(counts)]
            for rows, k in zip(found, counts, strict=True):
                neighbours = nearest[:, :k]
                sums = targets[neighbours].sum(axis=1)
                labels = labelled[neighbours].sum(axis=1)
                rows.append(np.where(labels, sums / np.maximum(labels, 1), fallback))
        return [np.concatenate(rows).astype(np.float32) for rows in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestNeighbours:
    """Chooses k on a validation part, then remembers all training queries."""

    name: str = "knn"
    counts: tuple[int, ...] = (5, 10, 20, 40, 80, 160, 320)

    def fit(self, train: Dataset, *, seed: int) -> Memory:
        """Takes the k with the lowest Brier score, which is far less noisy than first choices."""
        ours, held_out = train.split(validation_fraction=VALIDATION_FRACTION, seed=seed)
        memory = Memory(embeddings=ours.embeddings, targets=ours.targets, k=0)
        predictions = memory.predictions(held_out.embeddings, self.counts)
        errors = {
            k: calibration_figures(scores, held_out.targets).brier
            for k, scores in zip(self.counts, predictions, strict=True)
        }
        best = min(self.counts, key=lambda k: errors[k])
        return Memory(embeddings=train.embeddings, targets=train.targets, k=best)
