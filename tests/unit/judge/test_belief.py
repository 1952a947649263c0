"""The belief in an answer, and games with liars."""

from __future__ import annotations

import math
import random
from statistics import fmean

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.judge.belief import (
    CUT_OFF_SHARE,
    MOST_PER_GRADE,
    grade_evidence,
    log_odds,
    posterior_scores,
    self_evidence,
)

SCORES = st.floats(0, 1)
NONE_CUT: frozenset[str] = frozenset()


@given(SCORES)
def test_a_model_of_which_nothing_is_said_keeps_its_prior(prior: float) -> None:
    assert posterior_scores({"a": prior}, [], NONE_CUT) == {"a": prior}
    assert posterior_scores({"a": prior}, [{}, {"b": 1.0}], NONE_CUT) == {"a": prior}


@given(SCORES, st.lists(st.floats(-20, 20), max_size=4))
def test_a_belief_is_a_probability_whatever_is_said(prior: float, said: list[float]) -> None:
    sources = [{"a": each} for each in said]
    (belief,) = posterior_scores({"a": prior}, sources, NONE_CUT).values()
    assert 0 <= belief <= 1


@given(SCORES, SCORES, SCORES)
@example(0.0, 0.0, 0.5)
@example(1.0, 1.0, 0.5)
def test_a_better_grade_never_lowers_the_belief(prior: float, one: float, other: float) -> None:
    low, high = (
        posterior_scores({"a": prior}, [grade_evidence({"b": {"a": g}}, 1.0)], NONE_CUT)["a"]
        for g in sorted((one, other))
    )
    assert low <= high or math.isclose(low, high)


@given(SCORES)
def test_an_exact_grade_says_no_more_than_a_plain_opinion(grade: float) -> None:
    assert abs(grade_evidence({"b": {"a": grade}}, 1.0)["a"]) <= MOST_PER_GRADE


def test_a_self_score_says_nothing_unless_an_operator_trusts_it() -> None:
    assert self_evidence({"a": 1.0}, 0.0) == {"a": 0.0}
    assert self_evidence({"a": 0.8}, 0.5)["a"] == 0.5 * log_odds(0.8)


@given(st.lists(SCORES, min_size=2, max_size=5), st.integers(2, 5))
def test_copies_of_a_grader_count_exactly_once(grades: list[float], copies: int) -> None:
    given_grades = {f"m{i}": grade for i, grade in enumerate(grades)}
    one = grade_evidence({"g0": given_grades}, 1.0)
    many = grade_evidence({f"g{i}": given_grades for i in range(copies)}, 1.0)
    assert one == many


@given(SCORES)
def test_an_answer_that_was_cut_off_keeps_a_share_of_its_score(prior: float) -> None:
    whole = posterior_scores({"a": prior}, [], NONE_CUT)["a"]
    assert posterior_scores({"a": prior}, [], frozenset("a"))["a"] == whole * CUT_OFF_SHARE


def _leader_is_right(count: int, liars: int, rng: random.Random, *, lie: bool) -> bool:
    """Returns whether the leader after grades is right; liars are 0.1 less likely to be right.

    Honest models grade right answers 0.7 and wrong ones 0.35, with an error of 0.15.
    """
    ids = [f"m{number}" for number in range(count)]
    bad = set(rng.sample(ids, liars))
    priors = {m: min(1.0, max(0.0, rng.gauss(0.5 if m in bad else 0.6, 0.05))) for m in ids}
    right = {m: rng.random() < priors[m] for m in ids}

    def grade(grader: str, graded: str) -> float:
        if lie and grader in bad:
            return 1.0 if graded in bad else 0.0
        return min(1.0, max(0.0, rng.gauss(0.7 if right[graded] else 0.35, 0.15)))

    grades = {g: {m: grade(g, m) for m in ids if m != g} for g in ids}
    beliefs = posterior_scores(priors, [grade_evidence(grades, 1.0)], NONE_CUT)
    return right[max(ids, key=lambda m: (beliefs[m], m))]


@pytest.mark.parametrize(
    ("count", "liars", "most_lost"), [(2, 1, 0.05), (3, 1, 0.04), (5, 2, 0.03)]
)
def test_lies_cost_few_right_answers(count: int, liars: int, most_lost: float) -> None:
    honest, lied = (
        fmean(
            _leader_is_right(count, liars, random.Random(number), lie=lie) for number in range(3000)
        )
        for lie in (False, True)
    )
    assert honest - lied < most_lost
