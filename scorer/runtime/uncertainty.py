"""What the graph says of a query -> how little its ranking is to be relied on.

``class weights (B, C), scores (B, M) -> uncertainty (B,)``

Either of two things is a reason to play safe: it is not clear what kind of query this is (it may be
one that was never trained on), or no model is likely to answer it well. The best score tells how good
the answer will be, and on some pools nothing of what is foreign; the entropy over skills is the other
way round; their mean tells both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]


def uncertainty(
    class_weights: Floats, class_counts: Sequence[int], scores: Floats
) -> npt.NDArray[np.float64]:
    """Returns how little a ranking is to be relied on, in [0, 1], (B,).

    Args:
        class_weights: As ``skill_entropy``.
        class_counts: As ``skill_entropy``.
        scores: Calibrated score per query and model, (B, M).
    """
    hopelessness = 1 - np.asarray(scores, dtype=np.float64).max(axis=1)
    mean: npt.NDArray[np.float64] = (skill_entropy(class_weights, class_counts) + hopelessness) / 2
    return mean


def skill_entropy(class_weights: Floats, class_counts: Sequence[int]) -> npt.NDArray[np.float64]:
    """Returns the entropy over skills as a share of the largest possible, in [0, 1], (B,).

    Args:
        class_weights: (B, C), each row summing to 1; the classes of a skill stand side by side.
        class_counts: How many classes each of the K skills has; they sum to C.
    """
    if len(class_counts) == 1:
        return np.zeros(len(class_weights))
    starts = np.cumsum([0, *class_counts[:-1]])
    skills = np.add.reduceat(np.asarray(class_weights, dtype=np.float64), starts, axis=1)  # (B, K)
    entropy = -(skills * np.log(np.maximum(skills, 1e-12))).sum(axis=1)
    share: npt.NDArray[np.float64] = np.clip(entropy / np.log(len(class_counts)), 0.0, 1.0)
    return share
