"""Agreement makes answers likelier, contradiction makes the query harder, and calls must pay."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.routing.agreement import (
    Offer,
    Opinion,
    has_settled_majority,
    posteriors,
    worthwhile_call,
)

if TYPE_CHECKING:
    from random import Random

SCORES = st.floats(0.02, 0.98)


@st.composite
def some_opinions(draw: st.DrawFn, *, least: int = 1) -> list[Opinion]:
    answers = draw(
        st.lists(st.tuples(SCORES, st.sampled_from(["a", "b", None])), min_size=least, max_size=5)
    )
    return [
        Opinion(model_id=f"m{i}", score=score, final_answer=answer)
        for i, (score, answer) in enumerate(answers)
    ]


def opinion(model_id: str, score: float, answer: str | None) -> Opinion:
    return Opinion(model_id=model_id, score=score, final_answer=answer)


def offer(model_id: str, score: float, price: float) -> Offer:
    return Offer(model_id=model_id, score=score, price=price)


@given(SCORES)
def test_an_answer_alone_keeps_its_score(score: float) -> None:
    assert posteriors([opinion("m", score, "a")])["m"] == pytest.approx(score)


@given(some_opinions())
def test_chances_of_different_answers_never_exceed_one_together(opinions: list[Opinion]) -> None:
    chances = posteriors(opinions)
    different = {o.final_answer or o.model_id: chances[o.model_id] for o in opinions}
    assert math.fsum(different.values()) <= 1 + 1e-9
    assert chances.keys() == {o.model_id for o in opinions}


@given(some_opinions(), st.randoms())
def test_order_changes_nothing(opinions: list[Opinion], random: Random) -> None:
    shuffled = list(opinions)
    random.shuffle(shuffled)
    assert posteriors(shuffled) == pytest.approx(posteriors(opinions))


@given(SCORES, SCORES, SCORES)
def test_agreement_never_makes_an_answer_less_likely(a: float, b: float, c: float) -> None:
    before = posteriors([opinion("a", a, "x"), opinion("c", c, "y")])
    after = posteriors([opinion("a", a, "x"), opinion("c", c, "y"), opinion("b", b, "x")])
    assert after["a"] >= before["a"] - 1e-9
    assert after["c"] <= before["c"] + 1e-9


@given(some_opinions(), SCORES)
def test_contradiction_makes_every_answer_less_likely(
    opinions: list[Opinion], score: float
) -> None:
    before = posteriors(opinions)
    after = posteriors([*opinions, opinion("other", score, "z")])
    assert all(after[model_id] <= before[model_id] for model_id in before)


def test_answers_that_cannot_be_compared_agree_with_nothing() -> None:
    chances = posteriors([opinion("a", 0.7, None), opinion("b", 0.7, None)])
    assert chances["a"] == chances["b"] < 0.5


def test_the_first_call_goes_to_the_best_after_its_price() -> None:
    offers = [offer("strong", 0.9, 0.2), offer("cheap", 0.8, 0.01), offer("weak", 0.5, 0.0)]
    assert worthwhile_call([], offers) == offers[1]


def test_nobody_to_ask_is_no_call() -> None:
    assert worthwhile_call([], []) is None
    assert worthwhile_call([opinion("a", 0.5, "x")], []) is None


def test_a_confident_answer_is_not_checked() -> None:
    offers = [offer("strong", 0.97, 0.2), offer("cheap", 0.8, 0.01)]
    assert worthwhile_call([opinion("a", 0.95, "x")], offers) is None


def test_a_doubtful_answer_is_checked_by_a_cheap_model_before_a_dear_one() -> None:
    strong, cheap = offer("strong", 0.9, 0.2), offer("cheap", 0.7, 0.01)
    first = opinion("a", 0.75, "x")
    assert worthwhile_call([first], [strong, cheap]) == cheap
    assert worthwhile_call([first, opinion("cheap", 0.7, "x")], [strong]) is None
    assert worthwhile_call([first, opinion("cheap", 0.7, "y")], [strong]) == strong


def test_a_check_is_not_paid_for_where_answers_cannot_be_compared() -> None:
    first = opinion("a", 0.75, None)
    assert worthwhile_call([first], [offer("cheap", 0.7, 0.01), offer("strong", 0.9, 0.2)]) is None


@given(some_opinions(least=0), st.lists(st.tuples(SCORES, st.floats(0, 0.5)), max_size=4))
def test_a_call_that_costs_more_than_certainty_is_worth_is_never_made(
    opinions: list[Opinion], answers: list[tuple[float, float]]
) -> None:
    offers = [offer(f"o{i}", score, price + 1.0) for i, (score, price) in enumerate(answers)]
    if opinions:
        assert worthwhile_call(opinions, offers) is None


def test_a_majority_is_settled_if_those_at_work_could_not_overturn_it() -> None:
    agreed = [opinion("a", 0.8, "x"), opinion("b", 0.8, "x")]
    assert has_settled_majority(agreed, [0.8])
    assert not has_settled_majority(agreed, [0.97])
    assert not has_settled_majority(agreed, [0.6, 0.6])
    assert not has_settled_majority(agreed[:1], [])
    assert not has_settled_majority([opinion("a", 0.8, None), opinion("b", 0.8, None)], [0.1])


@given(
    some_opinions(), st.lists(st.tuples(SCORES, st.sampled_from(["a", "b", "c", None])), max_size=3)
)
def test_what_is_settled_stays_whatever_the_others_answer(
    opinions: list[Opinion], late: list[tuple[float, str | None]]
) -> None:
    if not has_settled_majority(opinions, [score for score, _ in late]):
        return
    chances = posteriors(opinions)
    leader = max(chances, key=chances.__getitem__)
    all_opinions = opinions + [opinion(f"late{i}", *each) for i, each in enumerate(late)]
    later = posteriors(all_opinions)
    assert later[leader] >= max(later.values()) - 1e-9
