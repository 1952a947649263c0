"""Computes the uncertainty of a ranking from the outputs of the graph.

``class weights (B, C), scores (B, M) -> uncertainty (B,)``

A ranking is unsure for two reasons: the kind of query is unclear (it may be one that was never trained
on), or no model is likely to answer it well. The best score measures the second and, on some pools,
nothing of the first; the entropy over skills measures the first. The uncertainty is their mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]

MANY_SKILLS = 8
"""Number of equally likely skills among which the kind of a query is as unclear as can be."""


def uncertainty(
    class_weights: Floats, class_counts: Sequence[int], scores: Floats
) -> npt.NDArray[np.float64]:
    """Returns the uncertainty of each ranking, in [0, 1], (B,).

    Args:
        class_weights: Class weights, as in ``skill_entropy``.
        class_counts: Class counts, as in ``skill_entropy``.
        scores: Calibrated score per query and model, (B, M).
    """
    expected_failure = 1 - np.asarray(scores, dtype=np.float64).max(axis=1)
    mean: npt.NDArray[np.float64] = (
        skill_entropy(class_weights, class_counts) + expected_failure
    ) / 2
    return mean


def skill_entropy(class_weights: Floats, class_counts: Sequence[int]) -> npt.NDArray[np.float64]:
    """Returns the entropy over skills, in [0, 1], (B,); 1 if all, or ``MANY_SKILLS``, are as likely.

    Args:
        class_weights: Class weights, (B, C), each row summing to 1; the classes of a skill stand side
            by side.
        class_counts: Number of classes of each of the K skills; they sum to C.
    """
    if len(class_counts) == 1:
        return np.zeros(len(class_weights))
    starts = np.cumsum([0, *class_counts[:-1]])
    skills = np.add.reduceat(np.asarray(class_weights, dtype=np.float64), starts, axis=1)  # (B, K)
    entropy = -(skills * np.log(np.maximum(skills, 1e-12))).sum(axis=1)
    share: npt.NDArray[np.float64] = np.clip(
        entropy / np.log(min(len(class_counts), MANY_SKILLS)), 0.0, 1.0
    )
    return share
