from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.router.routing.candidates import StopReason
from services.router.routing.ranking import Forecast, early_stop
from tests.unit.router.candidates import POLICY, any_candidates, any_policies, candidate, rank, unit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from services.router.routing.candidates import Candidate, Ranked
    from services.router.routing.policy import Policy

BAND = replace(POLICY, price_band=0.01)


def ids(ranked: Sequence[Ranked]) -> list[str]:
    return [r.model_id for r in ranked]


def rank_of(found: list[Candidate], policy: Policy, model_id: str) -> int:
    return ids(rank(found, policy)).index(model_id)


def test_without_weights_the_score_decides() -> None:
    ranked = rank([candidate("a", 0.2), candidate("b", 0.9), candidate("c", 0.5)], POLICY)
    assert ids(ranked) == ["b", "c", "a"]


def test_a_weight_is_the_lead_that_the_dearest_model_needs() -> None:
    policy = replace(POLICY, cost_weight=0.2)
    free = candidate("free", 0.6)
    assert ids(rank([free, candidate("dear", 0.79, cost=5)], policy)) == ["free", "dear"]
    assert ids(rank([free, candidate("dear", 0.81, cost=5)], policy)) == ["dear", "free"]


def test_a_weight_of_latency_is_the_lead_that_the_slowest_model_needs() -> None:
    policy = replace(POLICY, latency_weight=0.2)
    instant = candidate("instant", 0.6, latency=0.0)
    assert ids(rank([instant, candidate("slow", 0.79, latency=8)], policy)) == ["instant", "slow"]
    assert ids(rank([instant, candidate("slow", 0.81, latency=8)], policy)) == ["slow", "instant"]


def test_a_model_half_as_dear_and_half_as_slow_as_the_worst_loses_half_of_each_weight() -> None:
    policy = replace(POLICY, cost_weight=0.4, latency_weight=0.2)
    models = [
        candidate("worst", 0.9, cost=4, latency=10),
        candidate("half", 0.9, cost=2, latency=5),
        candidate("least", 0.9, cost=1, latency=1),
    ]
    penalties = {r.model_id: (r.cost_penalty, r.latency_penalty) for r in rank(models, policy)}
    assert penalties["worst"] == pytest.approx((0.4, 0.2))
    assert penalties["half"] == pytest.approx((0.2, 0.1))
    assert penalties["least"] == pytest.approx((0.1, 0.02))


def test_equal_utility_goes_to_the_cheaper_then_the_faster_then_by_id() -> None:
    ranked = rank(
        [
            candidate("z", 0.5, cost=1),
            candidate("y", 0.5, cost=2, latency=1),
            candidate("x", 0.5, cost=2, latency=2),
            candidate("w", 0.5, cost=2, latency=2),
        ],
        POLICY,
    )
    assert ids(ranked) == ["z", "y", "w", "x"]
    assert not any(r.leads_by_price for r in ranked)


def test_within_the_price_band_of_the_best_the_cheaper_model_comes_first() -> None:
    dear, cheap = candidate("dear", 0.9, cost=5), candidate("cheap", 0.895, cost=1)
    assert ids(rank([dear, cheap], POLICY)) == ["dear", "cheap"]
    ranked = rank([dear, cheap], BAND)
    assert ids(ranked) == ["cheap", "dear"]
    assert [r.leads_by_price for r in ranked] == [True, False]
    assert ids(rank([dear, replace(cheap, score=0.88)], BAND)) == ["dear", "cheap"]


def test_models_as_good_that_cost_the_same_stay_in_the_order_of_their_scores() -> None:
    ranked = rank([candidate("a", 0.895), candidate("b", 0.9), candidate("c", 0.899)], BAND)
    assert ids(ranked) == ["b", "c", "a"]
    assert not any(r.leads_by_price for r in ranked)


few_values = st.builds(
    candidate,
    model_id=st.text("abc", min_size=1, max_size=3),
    score=st.sampled_from([0.5, 0.505, 0.52]),
    cost=st.sampled_from([1.0, 2.0]),
    latency=st.sampled_from([1.0, 2.0]),
)


@given(
    st.lists(few_values, min_size=2, max_size=12, unique_by=lambda c: c.model_id),
    st.sampled_from([0.0, 0.01]),
)
def test_whatever_is_equal_is_ordered_by_what_comes_next(
    found: list[Candidate], price_band: float
) -> None:
    ranked = rank(found, replace(POLICY, price_band=price_band))
    best = max(r.utility for r in ranked)
    keys = []
    for r in ranked:
        gap, c = best - r.utility, r.candidate
        step = gap // price_band if price_band else gap
        keys.append((step, c.expected_cost_usd, gap, c.expected_latency_s, c.model_id))
    assert keys == sorted(keys)


@given(any_candidates, any_policies)
def test_a_ranking_keeps_every_model_once_and_the_band_bounds_what_a_low_price_gains(
    found: list[Candidate], policy: Policy
) -> None:
    ranked = rank(found, policy)
    assert sorted(ids(ranked)) == sorted(c.model_id for c in found)
    for number, item in enumerate(ranked):
        behind = [other.utility for other in ranked[number:]]
        assert max(behind) <= item.utility + policy.price_band + 1e-9
        assert item.leads_by_price == (max(behind) > item.utility)


@given(any_candidates, any_policies, st.randoms())
def test_the_order_of_the_pool_changes_nothing(
    found: list[Candidate], policy: Policy, random: Random
) -> None:
    shuffled = random.sample(found, len(found))
    assert list(rank(found, policy)) == list(rank(shuffled, policy))


@given(any_candidates, any_policies, unit)
def test_a_higher_score_never_lowers_a_models_rank(
    found: list[Candidate], policy: Policy, score: float
) -> None:
    assume(found)
    first, *others = found
    assume(score >= first.score)
    better = [replace(first, score=score), *others]
    assert rank_of(better, policy, first.model_id) <= rank_of(found, policy, first.model_id)


@given(any_candidates, any_policies, unit)
def test_a_lower_price_never_lowers_the_rank_of_a_model_that_is_not_the_dearest(
    found: list[Candidate], policy: Policy, share: float
) -> None:
    assume(len(found) > 1)
    first, *others = found
    assume(any(c.expected_cost_usd >= first.expected_cost_usd for c in others))
    cheaper = [replace(first, expected_cost_usd=first.expected_cost_usd * share), *others]
    assert rank_of(cheaper, policy, first.model_id) <= rank_of(found, policy, first.model_id)


@given(any_candidates, any_policies, unit)
def test_without_a_band_a_lower_price_never_lowers_any_models_rank(
    found: list[Candidate], policy: Policy, share: float
) -> None:
    assume(found)
    policy = replace(policy, price_band=0.0)
    first, *others = found
    cheaper = [replace(first, expected_cost_usd=first.expected_cost_usd * share), *others]
    before, after = (rank(each, policy) for each in (found, cheaper))
    ahead = {r.model_id: r.utility for r in before}
    # Rounding may part what was equal, so only true leads count.
    for r in after[: ids(after).index(first.model_id)]:
        assert ahead[r.model_id] >= ahead[first.model_id] - 1e-9


@given(any_candidates, any_policies, st.floats(0.001, 1_000), st.floats(0.001, 1_000))
def test_the_currency_and_the_unit_of_time_change_no_utility(
    found: list[Candidate], policy: Policy, dollars: float, seconds: float
) -> None:
    scaled = [
        replace(
            c,
            expected_cost_usd=c.expected_cost_usd * dollars,
            expected_latency_s=c.expected_latency_s * seconds,
        )
        for c in found
    ]
    before = {r.model_id: r.utility for r in rank(found, policy)}
    for r in rank(scaled, policy):
        assert abs(r.utility - before[r.model_id]) < 1e-6


@given(any_candidates, any_policies, unit)
def test_a_new_score_of_one_model_that_is_not_the_best_leaves_the_others_in_order(
    found: list[Candidate], policy: Policy, score: float
) -> None:
    ranked = rank(found, policy)
    assume(len(ranked) > 1)
    best = max(ranked, key=lambda r: r.utility).utility
    moved = next((r for r in ranked if r.utility < best), None)
    assume(moved is not None)
    assert moved is not None
    assume(score <= moved.candidate.score)
    again = rank(
        [replace(c, score=score) if c.model_id == moved.model_id else c for c in found], policy
    )
    others = [[m for m in ids(each) if m != moved.model_id] for each in (ranked, again)]
    assert others[0] == others[1]


def test_layers_stop_at_the_score_and_at_the_limit() -> None:
    def stop(score: float, layers_run: int) -> StopReason | None:
        return early_stop({"a": score}, agreed=False, layers_run=layers_run, policy=POLICY)

    assert stop(0.8, 1) is StopReason.SCORE
    assert stop(0.79, 1) is None
    assert stop(0.79, 2) is StopReason.LAYER_LIMIT


def test_the_best_posterior_decides_whether_layers_stop() -> None:
    posteriors = {"weak": 0.1, "strong": 0.9}
    stop = early_stop(posteriors, agreed=False, layers_run=1, policy=POLICY)
    assert stop is StopReason.SCORE


def test_layers_stop_where_the_answers_agree_however_little_they_are_worth() -> None:
    stop = early_stop({"a": 0.1, "b": 0.2}, agreed=True, layers_run=1, policy=POLICY)
    assert stop is StopReason.AGREEMENT


def test_no_posterior_stops_nothing() -> None:
    assert early_stop({}, agreed=False, layers_run=1, policy=POLICY) is None


def test_without_a_scorer_the_ranking_counts_as_certain_and_every_model_as_available() -> None:
    forecast = Forecast()
    assert forecast.uncertainty is None
    assert not forecast.is_uncertain(0.01)
    assert not forecast.unavailable_ids
    assert not forecast.team_ids
