"""The labels of single answers: which model, which query, how good, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels:
    """L labels, oldest first."""

    rows: npt.NDArray[np.intp]
    """The query of each, (L,)."""
    models: npt.NDArray[np.intp]
    """The model of each, (L,)."""
    raters: npt.NDArray[np.intp]
    """The rater of each, (L,), below ``rater_count``."""
    values: npt.NDArray[np.float64]
    """Quality of the answer, in [0, 1], (L,)."""
    weights: npt.NDArray[np.float64]
    """Weight of each, (L,); one is feedback of today."""
    rater_count: int

    def take(self, chosen: npt.NDArray[np.bool_]) -> Labels:
        """Returns the chosen labels."""
        return Labels(
            rows=self.rows[chosen],
            models=self.models[chosen],
            raters=self.raters[chosen],
            values=self.values[chosen],
            weights=self.weights[chosen],
            rater_count=self.rater_count,
        )
