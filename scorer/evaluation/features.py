"""Reads the features of texts that every method of a comparison learns from. Needs torch.

``training texts -> n-gram projection -> of any text: projection, beside its embedding if any (N, F)``

They are this project's own features, read by the learner's code, so that methods differ by their
learning alone.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from scorer.runtime.ngrams import ngram_ids
from scorer.training.mixture.projection import fit_projection, project_all
from scorer.training.recipe import LearnerConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import numpy.typing as npt

    from scorer.training.embedding_cache import EmbeddingCache

SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFeatures:
    """Projected n-grams, beside a sentence embedding if there is an encoder."""

    encoder: EmbeddingCache | None = None
    config: LearnerConfig = field(default_factory=LearnerConfig)

    def fitted(self, texts: Sequence[str]) -> Callable[[Sequence[str]], npt.NDArray[np.float32]]:
        """Fits the projection to training texts; returns a function from texts to features (N, F)."""
        table = fit_projection(
            self._bags(texts),
            buckets=self.config.ngram_buckets,
            width=self.config.projection_width,
            seed=SEED,
        )
        return functools.partial(self._read, table)

    def _read(self, table: torch.Tensor, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        parts = [project_all(self._bags(texts), table)]
        if self.encoder:
            parts.insert(0, torch.from_numpy(self.encoder.embed(texts)))
        found: npt.NDArray[np.float32] = functional.normalize(torch.cat(parts, dim=1)).numpy()
        return found

    def _bags(self, texts: Sequence[str]) -> list[npt.NDArray[np.int64]]:
        return [ngram_ids(text, self.config.ngram_buckets) for text in texts]
