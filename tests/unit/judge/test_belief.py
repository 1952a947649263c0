"""The belief in an answer, and games with liars."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scorer.belief.curve import Said, fit_curve, log_odds
from scorer.belief.parameters import BeliefParameters
from services.judge.belief import (
    CUT_OFF_SHARE,
    MOST_PER_GRADE,
    Weights,
    grade_evidence,
    posterior_scores,
    self_evidence,
    text_evidence,
)

SCORES = st.floats(0, 1)
NONE_CUT: frozenset[str] = frozenset()
PLAIN = Weights(self_=0.0, cross=1.0)
"""The weights of a judge that knows no records."""


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
        posterior_scores({"a": prior}, [grade_evidence({"b": {"a": g}}, PLAIN)], NONE_CUT)["a"]
        for g in sorted((one, other))
    )
    assert low <= high or math.isclose(low, high)


@given(SCORES)
def test_an_exact_grade_says_no_more_than_a_plain_opinion(grade: float) -> None:
    assert abs(grade_evidence({"b": {"a": grade}}, PLAIN)["a"]) <= MOST_PER_GRADE


def test_a_self_score_says_nothing_unless_an_operator_trusts_it() -> None:
    assert self_evidence({"a": 1.0}, PLAIN) == {"a": 0.0}
    trusting = Weights(self_=0.5, cross=1.0)
    assert self_evidence({"a": 0.8}, trusting)["a"] == 0.5 * log_odds(0.8)


def test_a_text_counts_in_part() -> None:
    share = PLAIN.of_text(is_known=True)
    assert 0 < share < 1
    said = text_evidence({"a": 0.5}, {"a": 0.8}, {"a": share})
    assert said == {"a": pytest.approx(share * log_odds(0.8))}
    assert PLAIN.of_text(is_known=False) == 0


@given(st.lists(SCORES, min_size=2, max_size=5), st.integers(2, 5))
def test_copies_of_a_grader_count_exactly_once(grades: list[float], copies: int) -> None:
    given_grades = {f"m{i}": grade for i, grade in enumerate(grades)}
    one = grade_evidence({"g0": given_grades}, PLAIN)
    many = grade_evidence({f"g{i}": given_grades for i in range(copies)}, PLAIN)
    assert one == many


@given(SCORES)
def test_an_answer_that_was_cut_off_keeps_a_share_of_its_score(prior: float) -> None:
    whole = posterior_scores({"a": prior}, [], NONE_CUT)["a"]
    assert posterior_scores({"a": prior}, [], frozenset("a"))["a"] == whole * CUT_OFF_SHARE


@dataclass(frozen=True)
class Game:
    """Models that answer and grade; liars are 0.1 less likely to be right.

    Honest models grade right answers 0.7 and wrong ones 0.35, with an error of 0.15.
    """

    priors: dict[str, float]
    right: dict[str, bool]
    grades: dict[str, dict[str, float]]

    @classmethod
    def played(cls, count: int, liars: int, rng: random.Random, *, lie: bool) -> Game:
        ids = [f"m{number}" for number in range(count)]
        bad = set(ids[:liars])
        priors = {m: min(1.0, max(0.0, rng.gauss(0.5 if m in bad else 0.6, 0.05))) for m in ids}
        right = {m: rng.random() < priors[m] for m in ids}

        def grade(grader: str, graded: str) -> float:
            if lie and grader in bad:
                return 1.0 if graded in bad else 0.0
            return min(1.0, max(0.0, rng.gauss(0.7 if right[graded] else 0.35, 0.15)))

        return cls(priors, right, {g: {m: grade(g, m) for m in ids if m != g} for g in ids})

    def leader_is_right(self, weights: Weights) -> bool:
        evidence = grade_evidence(self.grades, weights)
        beliefs = posterior_scores(self.priors, [evidence], NONE_CUT)
        return self.right[max(self.priors, key=lambda m: (beliefs[m], m))]


def share_right(count: int, liars: int, weights: Weights, *, lie: bool) -> float:
    return fmean(
        Game.played(count, liars, random.Random(seed), lie=lie).leader_is_right(weights)
        for seed in range(2000)
    )


def learned(count: int, liars: int, *, lie: bool) -> Weights:
    """Returns weights by the records of 200 other games."""
    said: dict[str, list[Said]] = defaultdict(list)
    for seed in range(200):
        game = Game.played(count, liars, random.Random(-1 - seed), lie=lie)
        for grader, given_grades in game.grades.items():
            said[grader] += [
                Said(prior=game.priors[m], score=grade, right=float(game.right[m]))
                for m, grade in given_grades.items()
            ]
    parameters = BeliefParameters(
        version="",
        created="",
        decision_count=200,
        text_share=1.0,
        self_scores={},
        grades={grader: fit_curve(each) for grader, each in said.items()},
    )
    return Weights(self_=0.0, cross=1.0, parameters=parameters)


@pytest.mark.parametrize(
    ("count", "liars", "most_lost"), [(2, 1, 0.05), (3, 1, 0.04), (5, 2, 0.03)]
)
def test_lies_cost_few_right_answers(count: int, liars: int, most_lost: float) -> None:
    honest, lied = (share_right(count, liars, PLAIN, lie=lie) for lie in (False, True))
    assert honest - lied < most_lost


@pytest.mark.parametrize(
    ("count", "liars", "most_lost"), [(2, 1, 0.035), (3, 1, 0.025), (5, 2, 0.01)]
)
def test_lies_of_models_with_a_record_cost_fewer(count: int, liars: int, most_lost: float) -> None:
    honest = share_right(count, liars, learned(count, liars, lie=False), lie=False)
    lied = share_right(count, liars, learned(count, liars, lie=True), lie=True)
    assert honest - lied <= most_lost
    assert lied >= share_right(count, liars, PLAIN, lie=True)


def test_a_record_makes_honest_grades_count_at_least_as_much() -> None:
    plain, known = (
        share_right(2, 1, weights, lie=False) for weights in (PLAIN, learned(2, 1, lie=False))
    )
    assert known >= plain


def test_models_that_start_to_lie_cost_a_bounded_share() -> None:
    trusted = learned(2, 1, lie=False)
    honest, lied = (share_right(2, 1, trusted, lie=lie) for lie in (False, True))
    assert honest - lied < 0.07
