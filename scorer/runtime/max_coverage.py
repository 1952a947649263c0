"""Class weights of a query -> models that complement one another.

``class weights (B, C), success (C, M) -> k models per query (B, k)``

A layer that runs three models wins if one of them answers well, so the second should be good where
the first fails. Given the class, models succeed independently; the set is chosen greedily, which for
such a coverage is within 1 - 1/e of the best set (Nemhauser, Wolsey and Fisher 1978).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]


def complementary_models(
    class_weights: Floats,
    success: Floats,
    *,
    count: int,
    eligible: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.intp]:
    """Returns the columns of ``count`` models per query, (B, count), the best one first.

    Args:
        class_weights: How much each query is of each class, (B, C).
        success: Chance that a model answers a query of the class well, (C, M).
        count: How many.
        eligible: Which models may be chosen, (B, M); all if left out. Where there are fewer than
            ``count``, what comes after them means nothing.
    """
    unanswered = np.array(class_weights, dtype=np.float64)  # (B, C): of the class, and all failed
    rows = np.arange(len(unanswered))
    shape = (len(unanswered), success.shape[1])
    taken = np.zeros(shape, dtype=bool) if eligible is None else ~eligible
    chosen = np.empty((len(unanswered), count), dtype=np.intp)
    for place in range(count):
        gains = np.where(taken, -1.0, unanswered @ success)
        best = gains.argmax(axis=1)
        chosen[:, place] = best
        taken[rows, best] = True
        unanswered *= 1 - success[:, best].T
    return chosen
