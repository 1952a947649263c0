"""The self-scores and grades that are used."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from services.judge.assessment import AnswerScores, Grade, assess

if TYPE_CHECKING:
    import random

MODEL_IDS = st.sampled_from(["a", "b", "c", "d", "stranger"])
ANY_FLOAT = st.floats() | st.floats(0, 1)
GRADES = st.builds(Grade, model_id=MODEL_IDS, score=ANY_FLOAT)
LAYERS = st.lists(
    st.builds(
        AnswerScores,
        model_id=st.sampled_from(["a", "b", "c", "d"]),
        self_score=st.none() | ANY_FLOAT,
        grades=st.lists(GRADES, max_size=6).map(tuple),
    ),
    max_size=4,
    unique_by=lambda answer: answer.model_id,
)


def answer(model_id: str, self_score: float | None = None, **grades: float) -> AnswerScores:
    given_grades = tuple(Grade(model_id=graded, score=score) for graded, score in grades.items())
    return AnswerScores(model_id=model_id, self_score=self_score, grades=given_grades)


@given(LAYERS, LAYERS)
def test_whatever_models_say_scores_stay_in_range_and_belong_to_models_that_answered(
    answers: list[AnswerScores], previous: list[AnswerScores]
) -> None:
    scores = assess(answers, previous)
    for score in (*scores.self_scores.values(), *scores.cross_scores.values()):
        assert 0 <= score <= 1
    assert scores.self_scores.keys() <= {a.model_id for a in (*answers, *previous)}
    assert scores.cross_scores.keys() <= {a.model_id for a in previous}


@given(LAYERS, LAYERS)
def test_every_score_is_either_used_or_counted_as_ignored(
    answers: list[AnswerScores], previous: list[AnswerScores]
) -> None:
    given_count = sum(len(a.grades) for a in answers)
    given_count += sum(a.self_score is not None for a in (*answers, *previous))
    scores = assess(answers, previous)
    used_count = given_count - scores.ignored_count
    assert used_count >= len(scores.self_scores) + len(scores.cross_scores)
    assert scores.ignored_count >= 0


@given(LAYERS, LAYERS, st.randoms(use_true_random=False))
def test_the_order_of_the_answers_does_not_matter(
    answers: list[AnswerScores], previous: list[AnswerScores], order: random.Random
) -> None:
    expected = assess(answers, previous)
    order.shuffle(answers)
    order.shuffle(previous)
    assert assess(answers, previous) == expected


@given(ANY_FLOAT)
def test_a_model_cannot_grade_itself(own_grade: float) -> None:
    previous = [answer("a"), answer("b")]
    without = assess([answer("a", b=0.5)], previous)
    with_own = assess([answer("a", a=own_grade, b=0.5)], previous)
    assert with_own.cross_scores == without.cross_scores == {"b": 0.5}
    assert with_own.ignored_count == 1


def test_the_cross_score_is_the_median_so_that_one_strategic_grader_changes_little() -> None:
    previous = [answer("a"), answer("b"), answer("c"), answer("d")]
    answers = [answer("b", a=0.6), answer("c", a=0.7), answer("d", a=0.0)]
    assert assess(answers, previous).cross_scores == {"a": 0.6}


def test_only_the_first_valid_grade_of_a_grader_counts() -> None:
    grades = (
        Grade(model_id="a", score=95),
        Grade(model_id="a", score=0.2),
        Grade(model_id="a", score=0.9),
    )
    scores = assess([AnswerScores(model_id="b", grades=grades)], [answer("a"), answer("b")])
    assert scores.cross_scores == {"a": 0.2}
    assert scores.ignored_count == 2


def test_the_self_score_is_the_mean_over_the_layers_and_an_invalid_one_is_left_out() -> None:
    scores = assess([answer("a", 0.4), answer("b", math.nan)], [answer("a", 0.8), answer("b", 0.9)])
    assert math.isclose(scores.self_scores["a"], 0.6)
    assert scores.self_scores["b"] == 0.9
    assert scores.ignored_count == 1


def test_certainty_is_a_score_and_anything_beyond_is_none() -> None:
    scores = assess([answer("a", 1.0, b=1.0), answer("b", 1.0001)], [answer("b")])
    assert scores.self_scores == {"a": 1.0}
    assert scores.cross_scores == {"b": 1.0}
    assert scores.ignored_count == 1


def test_zero_is_a_score_and_absent_is_none() -> None:
    scores = assess([answer("a", 0.0, b=0.0), answer("b")], [answer("b")])
    assert scores.self_scores == {"a": 0.0}
    assert scores.cross_scores == {"b": 0.0}


def test_a_model_that_answers_only_in_the_newest_layer_cannot_be_graded() -> None:
    scores = assess([answer("a", b=0.9), answer("b")], [answer("a")])
    assert scores.cross_scores == {}
    assert scores.ignored_count == 1
