"""What several candidates achieve on held-out queries -> the one to take.

A change is taken only if its gain is more than noise: every one costs something else, sharp scores or
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
"""A gain counts if it is more than so many of its standard errors."""


def best_candidate(outcomes: Sequence[Floats], weights: Floats) -> int:
    """Returns the place of the best candidate; the first, if no other is worth its change.

    Args:
        outcomes: What each candidate achieves on every query, each (N,).
        weights: How many queries each row counts as, (N,).
    """
    best = int(np.argmax([np.average(each, weights=weights) for each in outcomes]))
    return best if _is_worth(outcomes[best] - outcomes[0], weights) else 0


def _is_worth(gains: Floats, weights: Floats) -> bool:
    """Returns whether a mean gain is more than its own noise would often be."""
    shares = weights / weights.sum()
    mean = float(shares @ gains)
    # Of a weighted mean: a few heavy rows are no large sample.
    error = np.sqrt(np.square(shares) @ np.square(gains - mean))
    return bool(mean > MIN_GAIN_ERRORS * error)
