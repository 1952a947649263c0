"""From scores to the models asked for, best first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routemoa.errors import ModelNotFoundError
from services.scorer.ranking import Ranking

RANKING = Ranking(["c", "a", "b"])
SCORES = np.array([0.2, 0.9, 0.2], dtype=np.float32)


def test_models_come_best_first_and_equal_ones_by_id() -> None:
    assert [model_id for model_id, _ in RANKING.best_first(SCORES, [])] == ["a", "b", "c"]


def test_a_score_belongs_to_its_model_whatever_the_order_of_the_columns() -> None:
    assert dict(RANKING.best_first(SCORES, ["c", "a", "c"])) == {
        "a": pytest.approx(0.9),
        "c": pytest.approx(0.2),
    }


def test_every_unknown_model_is_named() -> None:
    RANKING.check(["a", "b"])
    with pytest.raises(ModelNotFoundError) as caught:
        RANKING.check(["z", "a", "y", "z"])
    assert caught.value.metadata == {"model_ids": "y,z"}


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40))
def test_a_ranking_of_all_models_is_sorted_and_complete(values: list[float]) -> None:
    ids = [f"m{number}" for number in range(len(values))]
    ranked = Ranking(ids).best_first(np.array(values, dtype=np.float32), [])
    assert ranked == sorted(ranked, key=lambda pair: (-pair[1], pair[0]))
    assert sorted(model_id for model_id, _ in ranked) == sorted(ids)
