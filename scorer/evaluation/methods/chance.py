"""A random order of the models for every query: what any method has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.evaluation.dataset import Dataset, Queries


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Draws every score."""

    seed: int
    model_count: int

    def predict(self, queries: Queries) -> npt.NDArray[np.float32]:
        """Returns scores drawn evenly from [0, 1], (N, M)."""
        shape = (len(queries), self.model_count)
        return np.random.default_rng(self.seed).random(shape, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """Learns nothing."""

    name: str = "random"

    def fit(self, train: Dataset, *, seed: int) -> Drawn:
        """Reads off how many models there are."""
        return Drawn(seed=seed, model_count=len(train.model_ids))
