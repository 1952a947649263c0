"""From scores to the models asked for, best first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routemoa.errors import ModelNotFoundError
from scorer.runtime.team_rule import TeamRule
from services.scorer.ranking import Ranking

SUCCESS = np.array([[0.9, 0.8, 0.1], [0.0, 0.1, 0.3]], dtype=np.float32)
"""Of two response classes, by c, a and b: b alone helps where the others fail."""
RANKING = Ranking(["c", "a", "b"], SUCCESS, [1, 1], TeamRule.COVERING)
SCORES = np.array([0.2, 0.9, 0.2], dtype=np.float32)
EVEN = np.array([0.5, 0.5], dtype=np.float32)


def test_models_come_best_first_and_equal_ones_by_id() -> None:
    assert [model_id for model_id, *_ in RANKING.best_first(SCORES, None, [])] == ["a", "b", "c"]


def test_a_score_belongs_to_its_model_whatever_the_order_of_the_columns() -> None:
    ranked = RANKING.best_first(SCORES, None, ["c", "a", "c"])
    assert [model_id for model_id, *_ in ranked] == ["a", "c"]
    assert [score for _, score, _ in ranked] == pytest.approx([0.9, 0.2])


def test_expected_tokens_belong_to_their_model_and_are_whole() -> None:
    tokens = np.array([10.4, 20.6, 30.0], dtype=np.float32)
    ranked = RANKING.best_first(SCORES, tokens, [])
    assert [(model_id, count) for model_id, _, count in ranked] == [("a", 21), ("b", 30), ("c", 10)]


def team(model_ids: list[str], size: int) -> list[str]:
    return RANKING.team(SCORES, EVEN, model_ids, size)


def test_a_team_completes_its_best_model() -> None:
    assert team([], 2) == ["a", "b"] == team(["b", "c", "a"], 2)
    assert team(["c", "b", "c"], 2) == ["c", "b"]


def test_a_team_of_the_best_scores_is_that_and_equal_ones_come_by_id() -> None:
    ranking = Ranking(["c", "a", "b"], SUCCESS, [1, 1], TeamRule.BEST_SCORES)
    scores = np.array([0.8, 0.9, 0.2], dtype=np.float32)
    assert ranking.team(scores, EVEN, [], 2) == ["a", "c"]
    assert ranking.team(scores, EVEN, ["c", "b"], 1) == ["c"]
    assert ranking.team(SCORES, EVEN, [], 3) == ["a", "b", "c"]


def test_a_team_is_no_larger_than_its_models() -> None:
    assert team([], 9) == ["a", "b", "c"]
    assert team(["c"], 3) == ["c"]


def test_a_ranking_is_the_less_certain_the_less_likely_its_models_are_to_answer_well() -> None:
    sure = np.array([1.0, 0.0], dtype=np.float32)
    assert RANKING.uncertainty(SCORES, sure, []) == pytest.approx(0.05)
    assert RANKING.uncertainty(SCORES, sure, ["c", "b"]) == pytest.approx(0.4)
    assert RANKING.uncertainty(SCORES, EVEN, ["c", "b"]) == pytest.approx(0.9)


def test_every_unknown_model_is_named() -> None:
    RANKING.check(["a", "b"])
    with pytest.raises(ModelNotFoundError) as caught:
        RANKING.check(["z", "a", "y", "z"])
    assert caught.value.metadata == {"model_ids": "y,z"}


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40))
def test_a_ranking_of_all_models_is_sorted_and_complete(values: list[float]) -> None:
    ids = [f"m{number}" for number in range(len(values))]
    success = np.zeros((1, len(values)), dtype=np.float32)
    ranked = Ranking(ids, success, [1], TeamRule.COVERING).best_first(
        np.array(values, dtype=np.float32), None, []
    )
    assert ranked == sorted(ranked, key=lambda item: (-item[1], item[0]))
    assert sorted(model_id for model_id, *_ in ranked) == sorted(ids)
