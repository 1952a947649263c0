"""How like the training queries a query is -> class weights that foreign queries share.

``features (B, F) -> place (B, D) -> likeness to the nearest of K places -> foreignness (B,)
-> class weights (B, C), drawn towards those of the average training query``

What was learned of kinds of query is no guide to a kind that was never seen, and a softmax names one
all the same. A foreign query is taken for the average one: the models that are best overall come first,
and the entropy of its class weights, which uncertainty is made of, is high.

Needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from scorer.training.calibrate import sigmoid
from scorer.training.mixture.clusters import cluster

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]

WIDTH = 128
"""Principal directions of the features that likeness is measured in."""

MOST_PLACES = 512
QUERIES_PER_PLACE = 8
"""There is a place for so many queries, up to the most."""

FOREIGN_SHARE = 0.02
"""So many of the training queries are half foreign or more."""

MEDIAN_LOGIT = -8.0
"""How foreign the median training query is, as a logit; the half foreign one's is 0."""

SMALLEST_SOFTNESS = 1e-3

CLUSTER_STEPS = 15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Familiarity:
    """K places among the training queries; no label was looked at to find them."""

    directions: Floats
    """(F, D)."""
    centre: Floats
    """The mean query in these directions, (D,)."""
    places: Floats
    """Unit length, (K, D)."""
    threshold: float
    """The cosine to its nearest place at which a query is half foreign."""
    softness: float
    """The cosine that makes a half foreign query e times as much so: rounding makes no score jump."""
    usual: Floats
    """Class weights of the average training query, (C,)."""

    def drawn(self, class_weights: Floats, features: torch.Tensor) -> npt.NDArray[np.float64]:
        """Returns the class weights (B, C) of queries (B, F), drawn by how foreign each is."""
        foreign = self.foreignness(features)[:, None]
        drawn: npt.NDArray[np.float64] = (1 - foreign) * class_weights + foreign * self.usual
        return drawn

    def foreignness(self, features: torch.Tensor) -> npt.NDArray[np.float64]:
        """Returns how foreign each query is, in [0, 1], (B,)."""
        points = _unit(features.numpy() @ self.directions - self.centre)
        nearest = (points @ self.places.T).max(axis=1).astype(np.float64)
        foreign: npt.NDArray[np.float64] = sigmoid((self.threshold - nearest) / self.softness)
        return foreign


def fit_familiarity(
    features: torch.Tensor, class_weights: Floats, weights: Floats, *, seed: int
) -> Familiarity:
    """Finds the places.

    Args:
        features: Of the training queries, (N, F).
        class_weights: Theirs, (N, C).
        weights: How many queries each counts as, (N,).
        seed: Decides where the search starts.
    """
    torch.manual_seed(seed)
    count = min(MOST_PLACES, max(1, len(features) // QUERIES_PER_PLACE))
    mean = features.mean(dim=0)
    directions = torch.svd_lowrank(features - mean, q=min(WIDTH, *features.shape))[2].numpy()
    centre = mean.numpy() @ directions
    points = _unit(features.numpy() @ directions - centre)
    groups = cluster(points, count, seed=seed, steps=CLUSTER_STEPS)
    places = _unit(np.eye(count, dtype=np.float32)[groups].T @ points)
    threshold, median = np.quantile((points @ places.T).max(axis=1), (FOREIGN_SHARE, 0.5))
    return Familiarity(
        directions=directions,
        centre=centre,
        places=places,
        threshold=float(threshold),
        softness=max(float(threshold - median) / MEDIAN_LOGIT, SMALLEST_SOFTNESS),
        usual=np.average(class_weights, axis=0, weights=weights),
    )


def _unit(rows: Floats) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = (rows / np.maximum(lengths, 1e-9)).astype(np.float32)
    return unit
