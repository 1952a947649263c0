"""A conversation stays with its model while a switch gains less than the lost prompt cache costs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from services.router.routing.model_switch import (
    MAX_EXPECTED_TURNS,
    better_model,
    expected_turns,
    saved_usd,
    stays,
)
from tests.unit.router.candidates import POLICY, any_candidates, any_policies, candidate, rank

if TYPE_CHECKING:
    from services.router.routing.candidates import Candidate
    from services.router.routing.policy import Policy

PRICED = replace(POLICY, cost_weight=0.1, price_band=0.01)


def model(model_id: str, score: float, *, now: float, later: float) -> Candidate:
    return replace(candidate(model_id, score, cost=now), later_cost_usd=later)


def switch(
    kept: Candidate, *others: Candidate, turns: int = 1, policy: Policy = PRICED
) -> str | None:
    ranked = rank([kept, *others], policy)
    current = stays(ranked, kept.model_id)
    assert current is not None
    better = better_model(ranked, current, policy, turns)
    return None if better is None else better.model_id


def test_a_slightly_better_score_is_not_worth_a_lost_cache() -> None:
    kept = model("kept", 0.80, now=0.002, later=0.002)
    assert switch(kept, model("other", 0.85, now=0.010, later=0.002)) is None


def test_a_much_better_score_is_worth_a_lost_cache() -> None:
    kept = model("kept", 0.60, now=0.002, later=0.002)
    assert switch(kept, model("other", 0.85, now=0.010, later=0.002)) == "other"


def test_a_better_score_alone_decides_where_no_cache_is_lost() -> None:
    kept = model("kept", 0.80, now=0.010, later=0.002)
    assert switch(kept, model("other", 0.85, now=0.010, later=0.002)) == "other"


def test_a_cheaper_model_pays_off_once_the_conversation_is_expected_to_go_on() -> None:
    kept = model("kept", 0.80, now=0.003, later=0.003)
    cheap = model("cheap", 0.80, now=0.010, later=0.001)
    assert switch(kept, cheap, turns=2) is None
    assert switch(kept, cheap, turns=5) == "cheap"


def test_within_the_price_band_dollars_decide_even_if_they_have_no_weight() -> None:
    policy = replace(POLICY, cost_weight=0.0, price_band=0.01)
    kept = model("kept", 0.800, now=0.002, later=0.002)
    near = model("near", 0.805, now=0.010, later=0.002)
    assert switch(kept, near, policy=policy) is None
    assert switch(kept, replace(near, expected_cost_usd=0.001), policy=policy) == "near"
    assert switch(kept, replace(near, score=0.82), policy=policy) == "near"


def test_of_several_better_models_the_one_that_gains_most_is_chosen() -> None:
    kept = model("kept", 0.5, now=0.001, later=0.001)
    others = [
        model(name, score, now=0.001, later=0.001)
        for name, score in zip("xyz", (0.7, 0.9, 0.8), strict=True)
    ]
    assert switch(kept, *others) == "y"


def test_a_model_that_cannot_be_called_is_neither_kept_nor_switched_to() -> None:
    kept = model("kept", 0.5, now=0.001, later=0.001)
    gone = replace(model("gone", 0.9, now=0.001, later=0.001), available=False)
    assert switch(kept, gone) is None
    assert stays(rank([gone], PRICED), "gone") is None
    assert stays(rank([kept], PRICED), None) is None


def test_a_model_that_is_too_slow_is_not_switched_to() -> None:
    policy = replace(PRICED, max_expected_latency_s=2.0)
    kept = model("kept", 0.5, now=0.001, later=0.001)
    slow = replace(model("slow", 0.9, now=0.001, later=0.001), expected_latency_s=3.0)
    assert switch(kept, slow, policy=policy) is None


def test_a_conversation_is_expected_to_go_on_for_as_long_as_it_has_lasted() -> None:
    assert [expected_turns(count) for count in (0, 1, 7, 1_000)] == [1, 1, 7, MAX_EXPECTED_TURNS]


@given(any_candidates.filter(bool), any_policies, st.integers(1, 20), st.data())
def test_every_switch_saves_dollars_or_time_or_is_likelier_to_be_right(
    candidates: list[Candidate], policy: Policy, turns: int, data: st.DataObject
) -> None:
    ranked = rank(candidates, policy)
    kept = data.draw(st.sampled_from(ranked))
    better = better_model(ranked, kept, policy, turns)
    if better is not None:
        assert (
            saved_usd(kept, ranked.candidates, turns)[ranked.index(better)] > 0
            or better.quality > kept.quality
            or better.latency_penalty < kept.latency_penalty
        )


@given(any_candidates.filter(bool), any_policies, st.integers(1, 20), st.data())
def test_there_is_no_way_back_from_a_switch_at_the_same_costs(
    candidates: list[Candidate], policy: Policy, turns: int, data: st.DataObject
) -> None:
    ranked = rank(candidates, policy)
    kept = data.draw(st.sampled_from(ranked))
    better = better_model(ranked, kept, policy, turns)
    if better is not None:
        assert better_model(ranked, better, policy, turns) is not kept


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_loss_of_cache_never_makes_a_switch_more_likely(
    score: float, loss: float, more: float
) -> None:
    kept = model("kept", 0.5, now=1.0, later=1.0)
    scale = model("dearest", 0.0, now=10.0, later=10.0)
    cheap_switch = switch(kept, scale, model("other", score, now=1 + loss, later=1.0))
    dear_switch = switch(kept, scale, model("other", score, now=1 + loss + more, later=1.0))
    assert dear_switch is None or cheap_switch == dear_switch
