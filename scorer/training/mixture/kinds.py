"""Kinds of query, found in the features of the training queries without any label.

``features (B, F) -> cosines to the centres of K kinds -> softmax -> shares (B, K)``

One more kind is the unknown: a query that is far from every centre is shared out as the average
training query is. So the models that are best on average come first, and the uncertainty is high.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.training.mixture.clusters import cluster

if TYPE_CHECKING:
    import numpy.typing as npt

    Features = npt.NDArray[np.float32]
    Floats = npt.NDArray[np.float64]

SHARPNESS = 25.0
"""Factor of the cosines: a kind whose cosine is greater by 0.04 weighs e times as much."""

UNKNOWN_SHARE = 0.02
"""Largest share of the training queries that are of an unknown kind rather than of a known one."""

USUAL_LOGITS = 5.0
"""Logits by which the median training query is of a known kind, at least."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kinds:
    """K kinds of query."""

    centres: Features
    """The centre of each kind, unit length, (K, F)."""
    unknown: float
    """The logit of an unknown kind, the same for every query."""
    average: Floats
    """Shares of the average training query, (K,)."""

    @property
    def directions(self) -> Features:
        """The weight of each feature in the logits of the kinds and of the unknown one, (F, K + 1)."""
        return np.pad(SHARPNESS * self.centres.T, ((0, 0), (0, 1)))

    @property
    def bias(self) -> Features:
        """The constant part of the same logits, (K + 1,)."""
        return np.append(np.zeros(len(self.centres)), self.unknown).astype(np.float32)

    @property
    def mixing(self) -> Floats:
        """The shares in each kind that a query of a known or the unknown kind has, (K + 1, K)."""
        return np.vstack([np.eye(len(self.centres)), self.average])

    def shares(self, features: Features) -> Floats:
        """Returns the share of each query in each kind, (B, K), of unit-length features (B, F)."""
        return _softmax(features @ self.directions + self.bias) @ self.mixing


def find_kinds(features: Features, weights: Floats, count: int, *, seed: int) -> Kinds:
    """Finds kinds of query.

    Args:
        features: Features of the training queries, unit length, (N, F).
        weights: Weight of each row, in queries, (N,).
        count: Number of kinds; fewer queries than that are a kind each.
        seed: Decides where the search starts.
    """
    groups = cluster(features, count, seed=seed)
    sums = np.eye(groups.max() + 1, dtype=np.float32)[groups].T @ features
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    centres = sums / np.maximum(lengths, np.float32(1e-9))
    logits = SHARPNESS * (features @ centres.T)
    unusual, usual = np.quantile(np.logaddexp.reduce(logits, axis=1), (UNKNOWN_SHARE, 0.5))
    return Kinds(
        centres=centres,
        unknown=float(min(unusual, usual - USUAL_LOGITS)),
        average=np.average(_softmax(logits), axis=0, weights=weights),
    )


def _softmax(logits: Features) -> Floats:
    shares: Floats = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    return shares.astype(np.float64)
