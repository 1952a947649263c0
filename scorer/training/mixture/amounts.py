"""What models' replies cost or how long they were -> what to expect of each in each class.

``class weights (N, C), amounts (N, M), NaN where unknown -> expected amounts (C, M)``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]

PRIOR_AMOUNTS = 10.0
"""How many amounts the model's own mean weighs against those of a class."""


def amounts_by_class(class_weights: Floats, amounts: Floats) -> npt.NDArray[np.float64]:
    """Returns each model's expected amount in each class, (C, M).

    A model without any amount is expected to have the mean of the others.
    """
    known = ~np.isnan(amounts)
    values = np.where(known, amounts, 0.0)
    counts = known.sum(axis=0)
    means = np.where(counts > 0, values.sum(axis=0) / np.maximum(counts, 1), np.nan)
    means = np.where(np.isnan(means), np.nanmean(means), means)
    shares = class_weights.T @ known
    expected: npt.NDArray[np.float64] = (class_weights.T @ values + PRIOR_AMOUNTS * means) / (
        shares + PRIOR_AMOUNTS
    )
    return expected
