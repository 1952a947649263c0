"""Out-of-distribution score of a query; blends its class weights towards the training average.

``features (B, F) -> point (B, D) -> cosine to the nearest of K centres -> OOD score (B,)
-> class weights (B, C), blended with those of the average training query``

A softmax names a kind of query even for a kind that was never seen. So a query that is unlike all
training queries is treated as the average one: the models that are best overall come first, and the
entropy of its class weights, which uncertainty is made of, is high.

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
"""Number of principal directions of the features in which cosines are measured."""

MAX_CENTRES = 512
QUERIES_PER_CENTRE = 8
"""There is one centre for each so many training queries, up to ``MAX_CENTRES``."""

OOD_SHARE = 0.02
"""Share of the training queries whose OOD score is 0.5 or more."""

MEDIAN_LOGIT = -8.0
"""OOD score of the median training query, as a logit."""

SMALLEST_SOFTNESS = 1e-3

CLUSTER_STEPS = 15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutOfDistribution:
    """K cluster centres of the training queries; no label was used to find them."""

    directions: Floats
    """Principal directions of the features, (F, D)."""
    mean: Floats
    """The mean training query in these directions, (D,)."""
    centres: Floats
    """The cluster centres, unit length, (K, D)."""
    threshold: float
    """The cosine to the nearest centre at which the OOD score is 0.5."""
    softness: float
    """The change of the cosine that moves the logit of the OOD score by one, so that rounding makes no
    score jump."""
    average_weights: Floats
    """Class weights of the average training query, (C,)."""

    def blended(self, class_weights: Floats, features: torch.Tensor) -> npt.NDArray[np.float64]:
        """Returns the class weights (B, C) of queries (B, F), blended by their OOD scores."""
        scores = self.scores(features)[:, None]
        blended: npt.NDArray[np.float64] = (
            1 - scores
        ) * class_weights + scores * self.average_weights
        return blended

    def scores(self, features: torch.Tensor) -> npt.NDArray[np.float64]:
        """Returns the OOD score of each query, in [0, 1], (B,)."""
        points = _unit(features.numpy() @ self.directions - self.mean)
        nearest = (points @ self.centres.T).max(axis=1).astype(np.float64)
        scores: npt.NDArray[np.float64] = sigmoid((self.threshold - nearest) / self.softness)
        return scores


def fit_out_of_distribution(
    features: torch.Tensor, class_weights: Floats, weights: Floats, *, seed: int
) -> OutOfDistribution:
    """Finds the centres of the training queries.

    Args:
        features: Features of the training queries, (N, F).
        class_weights: Class weights of the training queries, (N, C).
        weights: Weight of each row, in queries, (N,).
        seed: Decides where the search starts.
    """
    torch.manual_seed(seed)
    count = min(MAX_CENTRES, max(1, len(features) // QUERIES_PER_CENTRE))
    mean = features.mean(dim=0)
    directions = torch.svd_lowrank(features - mean, q=min(WIDTH, *features.shape))[2].numpy()
    projected_mean = mean.numpy() @ directions
    points = _unit(features.numpy() @ directions - projected_mean)
    groups = cluster(points, count, seed=seed, steps=CLUSTER_STEPS)
    centres = _unit(np.eye(count, dtype=np.float32)[groups].T @ points)
    threshold, median = np.quantile((points @ centres.T).max(axis=1), (OOD_SHARE, 0.5))
    return OutOfDistribution(
        directions=directions,
        mean=projected_mean,
        centres=centres,
        threshold=float(threshold),
        softness=max(float(threshold - median) / MEDIAN_LOGIT, SMALLEST_SOFTNESS),
        average_weights=np.average(class_weights, axis=0, weights=weights),
    )


def _unit(rows: Floats) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = (rows / np.maximum(lengths, 1e-9)).astype(np.float32)
    return unit
