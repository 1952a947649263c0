"""K-means clustering (Lloyd 1982), started by k-means++ (Arthur and Vassilvitskii 2007)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]


def cluster(points: Floats, count: int, *, seed: int, steps: int = 50) -> npt.NDArray[np.int64]:
    """Returns the group of each point (N, D), below ``count``, (N,); every group has a point."""
    centres = _start(points, min(count, len(points)), np.random.default_rng(seed))
    groups = np.full(len(points), -1)
    for _ in range(steps):
        # The nearest centre, up to what is the same for all centres.
        nearest = (points @ centres.T - 0.5 * np.square(centres).sum(axis=1)).argmax(axis=1)
        if (nearest == groups).all():
            break
        groups = nearest
        member = np.eye(len(centres), dtype=np.float32)[groups]
        counts = member.sum(axis=0)
        centres = (member.T @ points)[counts > 0] / counts[counts > 0, None]
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def _start(points: Floats, count: int, draw: np.random.Generator) -> Floats:
    """Returns points that are far from one another: each is drawn by its distance to those before."""
    chosen = [int(draw.integers(len(points)))]
    distances = np.full(len(points), np.inf)
    for _ in range(count - 1):
        distances = np.minimum(distances, np.square(points - points[chosen[-1]]).sum(axis=1))
        if not distances.any():
            break
        shares = distances.astype(np.float64) / distances.sum(dtype=np.float64)
        chosen.append(int(draw.choice(len(points), p=shares)))
    return points[chosen]
