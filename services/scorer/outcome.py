"""What came of one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Where the time of one query went."""

    queue_s: float
    tokenization_s: float
    inference_s: float
    """Shared by all queries of the batch."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredQuery:
    """The outcome for one query."""

    scores: npt.NDArray[np.float32]
    """One score per model, shape (M,), in the runtime's order."""
    class_weights: npt.NDArray[np.float32]
    """How much the query is of each response class, shape (C,)."""
    completion_tokens: npt.NDArray[np.float32] | None
    """Expected tokens of each model's reply, shape (M,); None where the artifact knows none."""
    uncertainty: float
    """How little the scores are to be relied on, in [0, 1]."""
    truncated: bool
    timing: Timing
