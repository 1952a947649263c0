"""The outcome of one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The time that one query spent in each stage."""

    queue_s: float
    tokenization_s: float
    inference_s: float
    """The same for all queries of a batch."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredQuery:
    """The scores of one query, with all that the artifact predicts for it."""

    scores: npt.NDArray[np.float32]
    """One score per model, shape (M,), in the order of the artifact's models."""
    class_weights: npt.NDArray[np.float32]
    """The weight of each response class, shape (C,)."""
    completion_tokens: npt.NDArray[np.float32] | None
    """Expected tokens of each model's reply, shape (M,); None if the artifact predicts none."""
    uncertainty: float
    """The uncertainty of the scores, in [0, 1]; 1 is the least reliable."""
    truncated: bool
    timing: Timing
