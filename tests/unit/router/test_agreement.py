"""Agreement makes answers likelier, contradiction makes the query harder, and calls must pay."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.answer_key import answer_key
from services.router.routing.agreement import (
    CARRY,
    INDEPENDENCE,
    Offer,
    Opinion,
    agreeing,
    has_settled_majority,
    posteriors,
    shifted,
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


def test_no_model_is_certain_to_be_right_or_wrong() -> None:
    assert posteriors([opinion("m", 1.0, "a")])["m"] == pytest.approx(0.98)
    assert posteriors([opinion("m", 0.0, "a")])["m"] == pytest.approx(0.02)


@given(some_opinions())
def test_probabilities_of_different_answers_never_exceed_one_together(
    opinions: list[Opinion],
) -> None:
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


def agreed(texts: list[str]) -> tuple[int, ...]:
    return agreeing(texts, [answer_key(text) for text in texts])


def test_answers_agree_by_what_they_come_to_or_word_for_word() -> None:
    assert agreed(["The  cat sat.", "the cat\nsat.", "A dog barked."]) == (0, 1)
    assert agreed(["B", '{"answer": "B"}', "C"]) == (0, 1)
    assert agreed(["A cat sat there.", "A dog barked at it."]) == (0,)  # neither comes to anything
    assert agreed(["C", "B", "B"]) == (0,)
    assert agreed([]) == ()


def test_further_models_that_agree_count_for_about_a_third_and_never_against() -> None:
    def odds(*scores: float) -> float:
        opinions = [opinion(str(number), score, "x") for number, score in enumerate(scores)]
        chance = posteriors(opinions)["0"]
        return math.log(chance / (1 - chance))

    alone, other = odds(0.8), odds(0.6)
    assert odds(0.8, 0.6) == pytest.approx(alone + INDEPENDENCE * other)
    assert odds(0.6, 0.8) == pytest.approx(alone + INDEPENDENCE * other)
    assert odds(0.8, 0.3) == pytest.approx(alone)


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


@pytest.mark.parametrize(
    ("answers", "offers", "asked"),
    [
        # Whoever could only repeat or contradict without prevailing changes nothing, even for free.
        ([(0.8, "x")], [(0.75, 0.0)], None),
        # What a better answer would gain is its price.
        ([(0.6, "x")], [(0.7, 0.1)], None),
        # A contradiction by the cheap one would be settled by the strong one.
        ([(0.85, "x")], [(0.8, 0.01), (0.95, 0.2)], 0),
        # Somebody said something that cannot be compared; the answer that can be is still checked.
        ([(0.9, "x"), (0.3, None)], [(0.6, 0.0)], 0),
        # The best answer counts, and not the one that is least likely.
        ([(0.5, "x"), (0.85, None)], [(0.7, 0.2)], None),
        ([(0.9, None), (0.75, None)], [(0.9, 0.05)], 0),
        # Two weak models that agree make no weak third one worth asking.
        ([(0.1, "x"), (0.3, "x")], [(0.2, 0.01)], None),
        # Of equals the first is asked.
        ([(0.5, "x")], [(0.9, 0.01), (0.9, 0.01)], 0),
    ],
)
def test_a_call_is_made_where_what_it_may_tell_is_worth_its_price(
    answers: list[tuple[float, str | None]],
    offers: list[tuple[float, float]],
    asked: int | None,
) -> None:
    given_answers = [opinion(f"a{number}", *each) for number, each in enumerate(answers)]
    made = [offer(f"o{number}", *each) for number, each in enumerate(offers)]
    assert worthwhile_call(given_answers, made) is (None if asked is None else made[asked])


@given(some_opinions(least=0), st.lists(st.tuples(SCORES, st.floats(0, 0.5)), max_size=4))
def test_a_call_that_costs_more_than_certainty_is_worth_is_never_made(
    opinions: list[Opinion], answers: list[tuple[float, float]]
) -> None:
    offers = [offer(f"o{i}", score, price + 1.0) for i, (score, price) in enumerate(answers)]
    if opinions:
        assert worthwhile_call(opinions, offers) is None


def test_a_majority_is_settled_if_the_pending_models_cannot_overturn_it() -> None:
    agreed = [opinion("a", 0.8, "x"), opinion("b", 0.8, "x")]
    assert has_settled_majority(agreed, [0.8])
    assert not has_settled_majority(agreed, [0.97])
    assert not has_settled_majority(agreed, [0.6, 0.6])
    assert not has_settled_majority(agreed[:1], [])
    assert not has_settled_majority([opinion("a", 0.8, None), opinion("b", 0.8, None)], [0.1])


def test_the_largest_group_is_the_majority_and_every_rival_must_be_beaten_or_equalled() -> None:
    three = [opinion(f"x{number}", 0.8, "x") for number in range(3)]
    two = [opinion(f"y{number}", 0.3, "y") for number in range(2)]
    assert has_settled_majority([*three, *two], [])
    unsure = [opinion(f"x{number}", 0.6, "x") for number in range(3)]
    assert not has_settled_majority([*unsure, opinion("y", 0.98, "y")], [0.02])
    level = [opinion("a", 0.8, "x"), opinion("b", 0.5, "x")]
    assert has_settled_majority(level, [0.8])


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


def test_what_a_text_shows_applies_in_part_to_models_that_were_not_called() -> None:
    def called(said: float) -> Offer | None:
        answer = Opinion(
            model_id="m", score=shifted(0.6, said), prior=0.6, final_answer=None, source="m"
        )
        return worthwhile_call([answer], [offer("n", 0.6, 0.05)])

    assert called(0.0) is None
    assert called(0.5) is None
    # The other model is then better by the share of the log odds that it keeps.
    assert called(-1.5) is not None
    kept = shifted(0.6, CARRY * -1.5) - shifted(0.6, -1.5)
    answer = Opinion(model_id="m", score=shifted(0.6, -1.5), prior=0.6, final_answer=None)
    assert worthwhile_call([answer], [offer("n", 0.6, kept - 0.001)]) is not None
    assert worthwhile_call([answer], [offer("n", 0.6, kept + 0.001)]) is None


@given(some_opinions(), st.integers(2, 5))
def test_copies_of_a_model_that_agree_count_exactly_once(
    opinions: list[Opinion], copies: int
) -> None:
    first = opinions[0]
    if first.final_answer is None:
        return
    more = [
        Opinion(
            model_id=f"copy{number}",
            score=first.score,
            final_answer=first.final_answer,
            source=first.model_id,
        )
        for number in range(copies)
    ]
    alone, together = posteriors(opinions), posteriors([*opinions, *more])
    assert {m: together[m] for m in alone} == alone
