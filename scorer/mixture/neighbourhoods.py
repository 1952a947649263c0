"""Training queries that read alike -> what models did in the neighbourhoods nearest to a query.

``features (B, F) -> place (B, D) -> nearness of neighbourhoods (B, K) -> their scores (B, M)``

Classes say what a kind of query asks of a model; some of what is left is local. This is kernel
regression (Nadaraya 1964, Watson 1964) over the groups of k-means instead of over single queries: as
good as the queries themselves, and a fraction of their size. It is smooth: where the k nearest queries
count, rounding can exchange one of them, and a score jumps.

Needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from scorer.mixture.clusters import cluster

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]

WIDTH = 128
"""Principal directions of the features that likeness is measured in."""

MOST_NEIGHBOURHOODS = 512
QUERIES_PER_NEIGHBOURHOOD = 8
"""There is a neighbourhood for so many queries, up to the most."""

REACH = 0.12
"""The cosine by which one neighbourhood must be nearer than another to count e times as much."""

CLUSTER_STEPS = 15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Map:
    """K places among queries; no label was looked at to find them."""

    directions: Floats
    """(F, D)."""
    centre: Floats
    """The mean query in these directions, (D,)."""
    places: Floats
    """Of the neighbourhoods, unit length, (K, D)."""

    def likeness(self, features: torch.Tensor) -> Floats:
        """Returns the cosine of each query (B, F) and neighbourhood, (B, K)."""
        likeness: Floats = _unit(features.numpy() @ self.directions - self.centre) @ self.places.T
        return likeness


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """What models did in K neighbourhoods."""

    counts: Floats
    """Labelled queries of each, (K,)."""
    labels: Floats
    """Mean score of each model, where a missing label counts as zero, (K, M)."""
    known: Floats
    """Share of queries that have the label, (K, M)."""

    @property
    def log_counts(self) -> Floats:
        """Finite, though a neighbourhood may have no labelled query, (K,)."""
        log_counts: Floats = np.log(np.maximum(self.counts, 1e-12))
        return log_counts

    def drawn(self, chances: Floats, likeness: Floats, share: float) -> npt.NDArray[np.float64]:
        """Draws chances (B, M) by a share towards what the neighbourhoods say.

        What they have no label of stays as it is.

        Args:
            chances: What the classes say.
            likeness: Of each query and neighbourhood, (B, K).
            share: From 0, which changes nothing, to 1.
        """
        logits = likeness / REACH + self.log_counts
        nearness = np.exp(logits - logits.max(axis=1, keepdims=True))
        nearness /= nearness.sum(axis=1, keepdims=True)
        drawn: npt.NDArray[np.float64] = chances + share * (
            nearness @ self.labels - nearness @ self.known * chances
        )
        return drawn


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbourhoods:
    """What is added to the classes, and how much of it."""

    map: Map
    tally: Tally
    share: float

    def drawn(self, chances: Floats, features: torch.Tensor) -> npt.NDArray[np.float64]:
        """Returns the chances (B, M) of queries (B, F), drawn by the share."""
        return self.tally.drawn(chances, self.map.likeness(features), self.share)


def draw_map(features: torch.Tensor, *, seed: int) -> tuple[Map, npt.NDArray[np.int64]]:
    """Returns the map of queries (N, F), and the neighbourhood of each, (N,)."""
    torch.manual_seed(seed)
    count = min(MOST_NEIGHBOURHOODS, max(1, len(features) // QUERIES_PER_NEIGHBOURHOOD))
    width = min(WIDTH, *features.shape)
    mean = features.mean(dim=0)
    directions = torch.svd_lowrank(features - mean, q=width)[2].numpy()
    centre = mean.numpy() @ directions
    points = _unit(features.numpy() @ directions - centre)
    groups = cluster(points, count, seed=seed, steps=CLUSTER_STEPS)
    member = np.eye(count, dtype=np.float32)[groups]
    return Map(directions=directions, centre=centre, places=_unit(member.T @ points)), groups


def tally(groups: npt.NDArray[np.int64], count: int, targets: Floats, weights: Floats) -> Tally:
    """Counts what models did.

    Args:
        groups: The neighbourhood of each query, (N,).
        count: How many neighbourhoods there are.
        targets: Labels, (N, M), NaN where there is none.
        weights: How many queries each counts as, (N,).
    """
    member = np.eye(count, dtype=np.float32)[groups].T * weights  # (K, N)
    counts = member.sum(axis=1)
    shares = member / np.maximum(counts, 1e-9)[:, None]
    known = ~np.isnan(targets)
    return Tally(
        counts=counts,
        labels=shares @ np.where(known, targets, 0.0),
        known=shares @ known.astype(np.float64),
    )


def _unit(rows: Floats) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = (rows / np.maximum(lengths, 1e-9)).astype(np.float32)
    return unit
