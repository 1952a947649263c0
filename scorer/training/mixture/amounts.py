"""Expected costs or lengths of replies, for each model and kind.

``class weights (N, K), amounts (N, M), NaN where unknown -> expected amounts (K, M)``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]

PRIOR_AMOUNTS = 1.0
"""Weight of the model's own mean, in amounts of a class."""


def amounts_by_class(class_weights: Floats, amounts: Floats) -> npt.NDArray[np.float64]:
    """Returns each model's expected amount in each kind, (K, M).

    A model without any amount is expected to have the mean of the others.
    """
    known = ~np.isnan(amounts)
    shares, values = class_weights.T @ known, class_weights.T @ np.nan_to_num(amounts)
    sums, counts = np.nansum(amounts, axis=0), known.sum(axis=0)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    means = np.where(np.isnan(means), np.nanmean(means), means)
    expected: npt.NDArray[np.float64] = (values + PRIOR_AMOUNTS * means) / (shares + PRIOR_AMOUNTS)
    return expected
