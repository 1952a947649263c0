"""Chooses among candidates by their outcomes on held-out queries.

A change is taken only if its gain is more than noise: each change costs something else, sharp scores or
a larger graph, which no gain by chance is worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]

MIN_GAIN_ERRORS = 0.5
"""Smallest gain that counts, in its own standard errors."""


def best_candidate(outcomes: Sequence[Floats], weights: Floats) -> int:
    """Returns the index of the best candidate; 0 if no other gain is more than noise.

    Args:
        outcomes: Outcomes of each candidate on all queries, each (N,).
        weights: Weight of each row, in queries, (N,).
    """
    best = int(np.argmax([np.average(each, weights=weights) for each in outcomes]))
    return best if _is_significant(outcomes[best] - outcomes[0], weights) else 0


def _is_significant(gains: Floats, weights: Floats) -> bool:
    """Returns whether a mean gain is more than noise."""
    shares = weights / weights.sum()
    mean = float(shares @ gains)
    # The standard error of a weighted mean: a few heavy rows are no large sample.
    error = np.sqrt(np.square(shares) @ np.square(gains - mean))
    return bool(mean > MIN_GAIN_ERRORS * error)
