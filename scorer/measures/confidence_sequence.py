"""Bounds of a mean that hold at all times together, however often one looks.

Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, "Time-uniform central limit theory and asymptotic
confidence sequences", theorem 2.2. The values need a finite variance and no bounds, such as dollars
and seconds. The bounds are asymptotic: they take some hundred values.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TIGHT_AT = 1000
"""Number of values for which the bounds are tightest."""


def mean_bounds(values: npt.NDArray[np.float64], *, level: float) -> tuple[float, float]:
    """Returns the lower and the upper bound of the mean of the values (N,); infinite for fewer than 2.

    Args:
        values: The values in the order in which they became known.
        level: Largest probability that the mean is ever outside.
    """
    count = len(values)
    if count < 2:
        return -math.inf, math.inf
    width = -2 * math.log(level)
    rho = (width + math.log(width + 1)) / TIGHT_AT
    total = count * rho + 1
    radius = math.sqrt(2 * total / (count**2 * rho) * math.log(math.sqrt(total) / level))
    mean, deviation = float(values.mean()), float(values.std())
    return mean - deviation * radius, mean + deviation * radius
