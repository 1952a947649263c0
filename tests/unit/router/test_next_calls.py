"""The next calls by expected gain against price."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.router.routing.agreement import Offer, Opinion, posteriors
from services.router.routing.next_calls import next_calls, wants_second

units = st.floats(0, 1)
offers_of_any_pool = st.lists(
    st.builds(
        lambda score, price, share: (score, price, price * share), units, st.floats(0, 2), units
    ),
    max_size=16,
).map(
    lambda rows: [
        Offer(model_id=f"m{i}", score=score, price=price, latency_price=latency)
        for i, (score, price, latency) in enumerate(rows)
    ]
)


def offer(model_id: str, score: float, price: float = 0.0, latency_price: float = 0.0) -> Offer:
    return Offer(model_id=model_id, score=score, price=price, latency_price=latency_price)


def opinion(model_id: str, score: float, answer: str | None, source: str = "") -> Opinion:
    return Opinion(model_id=model_id, score=score, final_answer=answer, source=source)


def ids(calls: tuple[Offer, ...]) -> list[str]:
    return [call.model_id for call in calls]


def test_one_model_that_is_far_better_runs_alone() -> None:
    offers = [offer("best", 0.95, 0.01), offer("poor", 0.3, 0.01)]
    assert ids(next_calls([], offers, comparable_share=1.0)) == ["best"]
    assert not wants_second(offers, may_doubt=False)


def test_a_text_that_may_speak_against_an_answer_may_lead_to_a_second_call() -> None:
    offers = [offer("best", 0.8, 0.02), offer("next", 0.75, 0.02)]
    assert not wants_second(offers, may_doubt=False)
    assert wants_second(offers, may_doubt=True)
    far_better = [offer("best", 0.95, 0.01), offer("poor", 0.3, 0.01)]
    assert not wants_second(far_better, may_doubt=True)


def test_a_cheap_model_that_another_confirms_precedes_a_dear_one() -> None:
    offers = [offer("dear", 0.85, 0.3), offer("cheap", 0.7, 0.001), offer("check", 0.69, 0.002)]
    assert ids(next_calls([], offers, comparable_share=0.0))[0] in {"cheap", "check"}


def test_two_calls_start_together_only_if_the_second_is_sure_enough_to_be_needed() -> None:
    offers = [offer(name, 0.6, 0.001, 0.0005) for name in "abc"]
    assert ids(next_calls([], offers, comparable_share=1.0)) == ["a", "b"]
    assert ids(next_calls([], offers, comparable_share=0.1)) == ["a"]
    assert wants_second(offers, may_doubt=False)


def test_no_call_follows_an_answer_that_cannot_be_compared() -> None:
    offers = [offer("b", 0.69), offer("c", 0.68)]
    assert next_calls([opinion("a", 0.7, None)], offers, comparable_share=1.0) == ()
    assert next_calls([opinion("a", 0.7, "B")], offers, comparable_share=1.0)


def test_a_call_that_is_dearer_than_a_right_answer_is_not_made_after_the_first() -> None:
    offers = [offer("b", 0.69, 1.5), offer("c", 0.99, 1.2)]
    assert next_calls([opinion("a", 0.3, "B")], offers, comparable_share=1.0) == ()


def test_without_models_there_is_no_call() -> None:
    assert next_calls([], [], comparable_share=1.0) == ()
    assert next_calls([opinion("a", 0.3, "B")], [], comparable_share=1.0) == ()


@given(offers_of_any_pool, units)
def test_any_pool_gets_one_or_two_first_calls_to_different_models(
    offers: list[Offer], share: float
) -> None:
    calls = ids(next_calls([], offers, comparable_share=share))
    assert len(calls) == len(set(calls)) == min(len(calls), 2)
    assert bool(calls) == bool(offers)


@given(units, st.lists(units, min_size=1, max_size=5), units)
def test_copies_of_a_model_count_exactly_once(
    score: float, copies: list[float], rival: float
) -> None:
    alone = [opinion("a", max(copies), "B", "model"), opinion("rival", rival, "C")]
    cloned = [opinion(f"a{i}", s, "B", "model") for i, s in enumerate(copies)]
    cloned.append(opinion("rival", rival, "C"))
    assert posteriors(cloned)["rival"] == posteriors(alone)["rival"]
    assert posteriors(cloned)["a0"] == posteriors(alone)["a"]
