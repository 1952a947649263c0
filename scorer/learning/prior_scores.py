"""Scores texts with an artifact: logits of its scores, and the texts' shares in its kinds.

``texts (N) -> logits (N, M), shares (N, K)``; models that it does not know are like its average one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.progress import track
from scorer.runtime.batches import length_buckets
from scorer.training.calibrate import logit

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.runtime.artifact import Manifest
    from scorer.runtime.runtime import Runtime

    Floats = npt.NDArray[np.float64]

BATCH_SIZE = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriorScores:
    """The scores of an artifact for N queries."""

    model_ids: tuple[str, ...]
    """The artifact's models, then those that it does not know."""
    logits: Floats
    """Logits of the scores, (N, M)."""
    shares: Floats
    """Share of each query in each kind, (N, K)."""


def prior_scores(runtime: Runtime, texts: Sequence[str], unknown: Sequence[str]) -> PriorScores:
    """Scores texts; ``unknown`` are models that the artifact does not have."""
    queries = [runtime.tokenize(text) for text in texts]
    scores = np.empty((len(texts), len(runtime.model_ids)))
    weights = np.empty((len(texts), runtime.class_count))
    for rows in track(length_buckets(queries, BATCH_SIZE), f"Scoring with {runtime.version}"):
        found = runtime.predict([queries[row] for row in rows])
        scores[rows], weights[rows] = found.scores, found.class_weights
    logits = logit(scores)
    like_average = np.repeat(logits.mean(axis=1, keepdims=True), len(unknown), axis=1)
    return PriorScores(
        model_ids=(*runtime.model_ids, *unknown),
        logits=np.hstack([logits, like_average]),
        shares=np.add.reduceat(weights, kind_starts(runtime.artifact.manifest), axis=1),
    )


def kind_starts(manifest: Manifest) -> npt.NDArray[np.intp]:
    """Returns the first class of each kind, (K,)."""
    counts = [skill.class_count for skill in manifest.skills]
    return np.cumsum([0, *counts[:-1]])
