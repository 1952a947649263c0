from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.policy import Policy
from services.router.ranking import Candidate, StopReason, agree, early_stop, rank, select

POLICY = Policy(
    strategy="routemoa",
    quality_weight=1.0,
    cost_weight=0.0,
    latency_weight=0.0,
    max_layer_models=3,
    max_layers=2,
    stopping_score=0.8,
    max_score_gap=1.0,
    max_cost_usd=None,
    max_calls=10,
    model_ids=frozenset(),
)


def candidate(model_id: str, score: float, cost: float = 0.0, latency: float = 1.0) -> Candidate:
    return Candidate(
        model_id=model_id,
        score=score,
        expected_cost_usd=cost,
        worst_cost_usd=cost * 2,
        expected_latency_s=latency,
    )


unit = st.floats(0, 1)
candidates = st.lists(
    st.builds(
        candidate,
        model_id=st.text(min_size=1, max_size=4),
        score=unit,
        cost=st.floats(0, 100),
        latency=st.floats(0.01, 100),
    ),
    max_size=8,
    unique_by=lambda c: c.model_id,
)
policies = st.builds(
    lambda q, c, w, k, gap: replace(
        POLICY,
        quality_weight=q,
        cost_weight=c,
        latency_weight=w,
        max_layer_models=k,
        max_score_gap=gap,
    ),
    unit,
    unit,
    unit,
    st.integers(1, 16),
    unit,
)


def ids(ranked: object) -> list[str]:
    return [r.model_id for r in ranked]  # type: ignore[attr-defined]


def test_without_weights_the_score_decides() -> None:
    ranked = rank([candidate("a", 0.2), candidate("b", 0.9), candidate("c", 0.5)], POLICY)
    assert ids(ranked) == ["b", "c", "a"]


def test_a_weight_is_the_lead_that_the_dearest_model_needs() -> None:
    policy = replace(POLICY, cost_weight=0.2)
    free = candidate("free", 0.6)
    assert ids(rank([free, candidate("dear", 0.79, cost=5)], policy)) == ["free", "dear"]
    assert ids(rank([free, candidate("dear", 0.81, cost=5)], policy)) == ["dear", "free"]


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


@given(candidates, policies)
def test_ranking_keeps_every_model_once_in_falling_utility(
    found: list[Candidate], policy: Policy
) -> None:
    ranked = rank(found, policy)
    assert sorted(ids(ranked)) == sorted(c.model_id for c in found)
    assert [r.utility for r in ranked] == sorted((r.utility for r in ranked), reverse=True)


@given(candidates, policies)
def test_the_order_of_the_pool_changes_nothing(found: list[Candidate], policy: Policy) -> None:
    assert ids(rank(found, policy)) == ids(rank(found[::-1], policy))


@given(candidates, policies, st.floats(0, 500), st.integers(0, 20))
def test_a_selection_keeps_every_limit(
    found: list[Candidate], policy: Policy, budget: float, calls_left: int
) -> None:
    ranked = rank(found, policy)
    selection = select(ranked, policy, budget_usd=budget, calls_left=calls_left)
    by_id = {c.model_id: c for c in found}
    assert len(selection.model_ids) <= min(policy.max_layer_models, calls_left)
    assert sum(by_id[m].worst_cost_usd for m in selection.model_ids) <= budget + 1e-9
    assert bool(selection.model_ids) == (selection.stop_reason is None)
    affordable = any(c.worst_cost_usd <= budget for c in found)
    assert bool(selection.model_ids) == (affordable and calls_left > 0)


def test_models_far_below_the_best_are_not_selected() -> None:
    ranked = rank([candidate("a", 0.9), candidate("b", 0.75), candidate("c", 0.6)], POLICY)
    policy = replace(POLICY, max_score_gap=0.2)
    assert select(ranked, policy, budget_usd=None, calls_left=9).model_ids == ("a", "b")


@pytest.mark.parametrize(
    ("ranked", "budget", "calls", "reason"),
    [
        ([], None, 9, StopReason.NO_MODEL),
        ([candidate("a", 0.5)], None, 0, StopReason.CALL_LIMIT),
        ([candidate("a", 0.5, cost=1.0)], 1.9, 9, StopReason.COST_LIMIT),
    ],
)
def test_an_empty_selection_says_why(
    ranked: list[Candidate], budget: float | None, calls: int, reason: StopReason
) -> None:
    selection = select(rank(ranked, POLICY), POLICY, budget_usd=budget, calls_left=calls)
    assert selection.stop_reason is reason


def test_layers_stop_at_the_score_and_at_the_limit() -> None:
    def stop(score: float, layers_run: int) -> StopReason | None:
        return early_stop({"a": score}, ["x", "y"], layers_run=layers_run, policy=POLICY)

    assert stop(0.8, 1) is StopReason.SCORE
    assert stop(0.79, 1) is None
    assert stop(0.79, 2) is StopReason.LAYER_LIMIT


def test_no_posterior_stops_nothing() -> None:
    assert early_stop({}, ["x"], layers_run=1, policy=POLICY) is None


def test_answers_agree_but_for_case_and_white_space() -> None:
    assert agree(["The  answer is B.", "the answer\nis b."])
    assert not agree(["B", "C"])
    assert not agree(["B"])
