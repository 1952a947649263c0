"""The checks of an artifact before it replaces the current one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from scorer import Runtime, TokenizedQuery
from scorer.runtime.runtime import Prediction
from scorer.runtime.tokenizer import NO_IDS
from services.scorer.artifacts.open_runtime import problems_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


class Fake:
    """A runtime of two models with given scores, which may depend on the size of the batch."""

    model_ids = ("a", "b")

    def __init__(self, alone: float, together: float) -> None:
        self._alone = alone
        self._together = together

    def tokenize(self, text: str) -> TokenizedQuery:
        return TokenizedQuery(
            ids=np.zeros(len(text), dtype=np.int64), ngrams=NO_IDS, truncated=False
        )

    def predict(self, queries: Sequence[TokenizedQuery]) -> Prediction:
        score = self._alone if len(queries) == 1 else self._together
        scores: npt.NDArray[np.float32] = np.full((len(queries), 2), score, dtype=np.float32)
        return Prediction(
            scores=scores,
            class_weights=scores,
            completion_tokens=None,
            uncertainty=np.zeros(len(queries)),
        )


@pytest.mark.parametrize(
    ("alone", "together", "served", "problem"),
    [
        (0.5, 0.5, {"a"}, None),
        (0.5, 0.5, {"a", "c"}, "served now: c"),
        (0.5, float("nan"), set(), "not all in"),
        (1.5, 1.5, set(), "not all in"),
        (0.5, 0.6, set(), "changes by 0.1000"),
    ],
)
def test_an_artifact_that_could_mislead_callers_is_rejected(
    alone: float, together: float, served: set[str], problem: str | None
) -> None:
    problems = problems_of(cast("Runtime", Fake(alone, together)), frozenset(served))
    assert len(problems) == (problem is not None)
    assert problem is None or problem in problems[0]
