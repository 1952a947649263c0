"""Points -> groups of near ones, by k-means (Lloyd 1982)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def cluster(
    points: npt.NDArray[np.float32], count: int, *, seed: int, steps: int = 50
) -> npt.NDArray[np.int64]:
    """Returns the group of each point of unit length (N, D), below ``count``, (N,)."""
    draw = np.random.default_rng(seed)
    count = min(count, len(points))
    centres = points[draw.choice(len(points), count, replace=False)]
    groups = np.zeros(len(points), dtype=np.int64)
    for _ in range(steps):
        # Points have one length, so the nearest centre is this one.
        nearest = (points @ centres.T - 0.5 * np.square(centres).sum(axis=1)).argmax(axis=1)
        if (nearest == groups).all():
            break
        groups = nearest
        centres = np.stack(
            [
                points[groups == g].mean(axis=0) if (groups == g).any() else centres[g]
                for g in range(count)
            ]
        )
    return groups
