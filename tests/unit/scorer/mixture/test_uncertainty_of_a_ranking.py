from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from scorer.runtime.uncertainty import uncertainty

COUNTS = (2, 1, 3)
WEIGHTS = arrays.arrays(np.float64, (4, 6), elements=st.floats(0.01, 1)).map(
    lambda weights: weights / weights.sum(axis=1, keepdims=True)
)


def test_with_one_skill_only_the_scores_say_anything() -> None:
    weights = np.array([[0.3, 0.7], [0.5, 0.5]])
    scores = np.array([[0.9, 0.1], [0.2, 0.4]])
    assert uncertainty(weights, [2], scores) == pytest.approx([0.05, 0.3])


def test_it_is_none_for_a_clear_query_and_a_sure_model_and_full_for_the_opposite() -> None:
    clear = np.array([[1.0, 0, 0, 0, 0, 0]])
    unclear = np.array([[1 / 6, 1 / 6, 1 / 3, 1 / 9, 1 / 9, 1 / 9]])
    assert uncertainty(clear, COUNTS, np.array([[0.2, 1.0]])) == pytest.approx([0.0], abs=1e-9)
    assert uncertainty(unclear, COUNTS, np.array([[0.0, 0.0]])) == pytest.approx([1.0])


@given(WEIGHTS, arrays.arrays(np.float32, (4, 3), elements=st.floats(0, 1, width=32)))
def test_it_is_a_share_and_falls_as_the_best_score_rises(
    weights: np.ndarray, scores: np.ndarray
) -> None:
    found = uncertainty(weights, COUNTS, scores)
    assert ((found >= 0) & (found <= 1)).all()
    better = np.maximum(scores, np.float32(0.9))
    assert (uncertainty(weights, COUNTS, better) <= found + 1e-12).all()
