from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.routing.candidates import Candidate, Ranked, SelectionReason, StopReason
from services.router.routing.selection import Selection, explain, select
from services.router.types.amounts import NOTHING, Caps, nano_usd
from tests.unit.router.candidates import POLICY, any_candidates, any_policies, candidate, rank

if TYPE_CHECKING:
    from services.router.routing.policy import Policy

FREE = Caps(calls=9)
FOUR = rank([candidate(m, s) for m, s in zip("abcd", (0.9, 0.8, 0.7, 0.6), strict=True)], POLICY)

any_caps = st.builds(
    Caps,
    calls=st.integers(0, 20),
    nano_usd=st.none() | st.integers(0, 500 * 10**9),
    tokens=st.none() | st.integers(0, 40_000),
)
latency_limits = st.none() | st.floats(0.01, 100)
places = st.lists(st.integers(0, 7), max_size=4, unique=True)


def reasons(selection: Selection) -> dict[str, str]:
    return {model_id: reason.name for model_id, reason in selection.reasons.items()}


def test_the_best_run_and_the_rest_find_the_layer_full() -> None:
    selection = select(FOUR, POLICY, FREE)
    assert selection.model_ids == ("a", "b", "c")
    assert reasons(selection) == {"a": "RANK", "b": "RANK", "c": "RANK", "d": "LAYER_FULL"}


def test_the_last_call_that_is_left_goes_to_the_best_model() -> None:
    assert select(FOUR, POLICY, Caps(calls=1)).model_ids == ("a",)


def test_a_model_that_lies_just_as_far_below_the_best_as_is_allowed_runs() -> None:
    found = [candidate("a", 0.75), candidate("b", 0.5), candidate("c", 0.49)]
    selection = select(rank(found, POLICY), replace(POLICY, max_score_gap=0.25), FREE)
    assert selection.model_ids == ("a", "b")


def test_a_model_without_replicas_is_passed_over_whatever_its_score() -> None:
    best = replace(candidate("a", 0.9), available=False)
    found = [best, candidate("b", 0.6), candidate("c", 0.59)]
    selection = select(rank(found, POLICY), POLICY, FREE)
    assert selection.model_ids == ("b", "c")
    assert reasons(selection)["a"] == "UNAVAILABLE"
    alone = select(rank([best], POLICY), POLICY, FREE)
    assert (alone.model_ids, alone.stop_reason) == ((), StopReason.NO_MODEL)


def test_models_far_below_the_best_are_not_selected() -> None:
    selection = select(FOUR, replace(POLICY, max_score_gap=0.15), FREE)
    assert selection.model_ids == ("a", "b")
    assert reasons(selection)["c"] == "SCORE_GAP"


def test_the_team_completes_the_best_and_the_rest_is_filled_by_rank() -> None:
    team = select(FOUR, POLICY, FREE, team_ids=("a", "d", "c"))
    assert team.model_ids == ("a", "c", "d")
    assert reasons(team) == {"a": "RANK", "d": "TEAM", "c": "TEAM", "b": "LAYER_FULL"}
    alone = select(FOUR, POLICY, FREE, team_ids=("d", "x"))
    assert alone.model_ids == ("a", "b", "d")


def test_a_team_is_followed_only_where_its_models_are_good_enough() -> None:
    policy = replace(POLICY, max_score_gap=0.25)
    selection = select(FOUR, policy, FREE, team_ids=("a", "d", "c"))
    assert selection.model_ids == ("a", "b", "c")
    assert reasons(selection) == {"a": "RANK", "d": "SCORE_GAP", "c": "TEAM", "b": "RANK"}


def test_safe_models_run_whatever_their_scores_and_nothing_beside_them() -> None:
    policy = replace(POLICY, max_score_gap=0.05)
    selection = select(FOUR, policy, FREE, team_ids=("a", "b"), safe_ids=("d", "x", "b"))
    assert selection.model_ids == ("b", "d")
    assert reasons(selection) == {
        "d": "SAFE",
        "b": "SAFE",
        "a": "LAYER_FULL",
        "c": "SCORE_GAP",
    }


def test_safe_models_that_cannot_run_leave_it_to_the_ranking() -> None:
    slow = rank([candidate("a", 0.9), candidate("b", 0.8, latency=9)], POLICY)
    policy = replace(POLICY, max_expected_latency_s=5.0)
    selection = select(slow, policy, FREE, safe_ids=("b",))
    assert selection.model_ids == ("a",)
    assert reasons(selection) == {"a": "RANK", "b": "LATENCY_LIMIT"}


def test_each_limit_is_named() -> None:
    ranked = rank(
        [
            candidate("slow", 0.9, latency=9),
            candidate("dear", 0.8, cost=5),
            candidate("long", 0.7, tokens=5_000),
            candidate("fits", 0.6),
        ],
        POLICY,
    )
    policy = replace(POLICY, max_expected_latency_s=5.0)
    selection = select(ranked, policy, Caps(calls=9, nano_usd=nano_usd(4), tokens=500))
    assert selection.model_ids == ("fits",)
    assert reasons(selection) == {
        "slow": "LATENCY_LIMIT",
        "dear": "COST_LIMIT",
        "long": "TOKEN_LIMIT",
        "fits": "RANK",
    }


def test_the_worst_cases_of_a_layer_fit_the_limits_together() -> None:
    ranked = rank([candidate(m, 0.9, cost=1, tokens=100) for m in "abcd"], POLICY)
    for left in (replace(FREE, nano_usd=nano_usd(5.9)), replace(FREE, tokens=299)):
        assert select(ranked, POLICY, left).model_ids == ("a", "b")


def test_where_only_what_is_too_dear_is_good_enough_the_next_best_runs() -> None:
    ranked = rank(
        [candidate("dear", 0.9, cost=5), candidate("b", 0.2), candidate("c", 0.1)], POLICY
    )
    policy = replace(POLICY, max_score_gap=0.1)
    selection = select(ranked, policy, Caps(calls=9, nano_usd=nano_usd(1)))
    assert selection.model_ids == ("b",)
    assert reasons(selection) == {"dear": "COST_LIMIT", "b": "RANK", "c": "LAYER_FULL"}


@pytest.mark.parametrize(
    ("found", "left", "reason"),
    [
        ([], FREE, StopReason.NO_MODEL),
        ([candidate("a", 0.5)], replace(FREE, calls=0), StopReason.CALL_LIMIT),
        (
            [candidate("a", 0.5, cost=1.0)],
            replace(FREE, nano_usd=nano_usd(1.9)),
            StopReason.COST_LIMIT,
        ),
        ([candidate("a", 0.5, tokens=9)], replace(FREE, tokens=8), StopReason.TOKEN_LIMIT),
        ([candidate("a", 0.5, latency=31)], FREE, StopReason.NO_MODEL),
    ],
)
def test_an_empty_selection_says_why(
    found: list[Candidate], left: Caps, reason: StopReason
) -> None:
    policy = replace(POLICY, max_expected_latency_s=30.0)
    selection = select(rank(found, policy), policy, left)
    assert selection.model_ids == ()
    assert selection.stop_reason is reason


@given(any_candidates, any_policies, latency_limits, any_caps, st.tuples(places, places))
def test_a_selection_keeps_every_limit_and_explains_every_model(
    found: list[Candidate],
    policy: Policy,
    latency_limit_s: float | None,
    left: Caps,
    special: tuple[list[int], list[int]],
) -> None:
    policy = replace(policy, max_expected_latency_s=latency_limit_s)
    team_ids, safe_ids = ([c.model_id for n, c in enumerate(found) if n in s] for s in special)
    ranked = rank(found, policy)
    selection = select(ranked, policy, left, team_ids=team_ids, safe_ids=safe_ids)
    picked = [c for c in found if c.model_id in selection.model_ids]
    assert (
        len(picked)
        == len(selection.model_ids)
        <= min(policy.max_layer_model_count, left.calls or 0)
    )
    worst = sum((c.worst for c in picked), NOTHING)
    assert left.nano_usd is None or worst.nano_usd <= left.nano_usd
    assert left.tokens is None or worst.tokens <= left.tokens
    if latency_limit_s is not None:
        assert all(c.expected_latency_s <= latency_limit_s for c in picked)
    assert bool(picked) == (selection.stop_reason is None)
    alone = [select(rank([c], policy), policy, left).model_ids for c in found]
    assert bool(picked) == any(alone)  # a layer is empty only if no model could run alone
    if found and left.calls:
        assert set(selection.reasons) == {c.model_id for c in found}
        assert [r.model_id for r in ranked if runs(r, selection)] == list(selection.model_ids)


def runs(ranked: Ranked, selection: Selection) -> bool:
    """Returns whether the explanation says that the model runs."""
    text = explain(ranked, selection.reasons[ranked.model_id])
    assert ("does not run" in text) != ("; runs " in text)
    return "; runs " in text


@given(any_candidates, any_policies)
def test_the_same_candidates_give_the_same_layer(found: list[Candidate], policy: Policy) -> None:
    first, again = (select(rank(each, policy), policy, FREE) for each in (found, found[::-1]))
    assert first == again


def test_an_explanation_says_what_counted() -> None:
    policy = replace(POLICY, cost_weight=0.1, latency_weight=0.05, price_band=0.02)
    dear, cheap = rank(
        [
            replace(candidate("dear", 0.9, cost=4, latency=2), prior_score=0.7),
            candidate("cheap", 0.8, cost=2, latency=2),
        ],
        policy,
    )
    assert explain(dear, SelectionReason.RANK) == (
        "0.90 likely to answer well (before it ran: 0.70), 0.10 less for its price, "
        "0.05 less for its latency; runs because of its rank"
    )
    assert explain(cheap, SelectionReason.SCORE_GAP) == (
        "0.80 likely to answer well, 0.05 less for its price, 0.05 less for its latency; "
        "does not run: its score is too far below the best one"
    )


def test_an_explanation_leaves_out_only_what_would_be_shown_as_nothing() -> None:
    shown = Ranked(
        candidate=candidate("a", 0.0),
        quality=0.005,
        cost_penalty=0.005,
        latency_penalty=0.005,
        utility=-0.005,
    )
    assert explain(shown, None) == (
        "0.00 likely to answer well, weighted 0.01, 0.01 less for its price, "
        "0.01 less for its latency"
    )
    left_out = replace(shown, quality=0.004, cost_penalty=0.004, latency_penalty=0.004)
    assert explain(left_out, None) == "0.00 likely to answer well"


def test_an_explanation_names_the_price_band_and_the_weight_and_leaves_out_what_is_nothing() -> (
    None
):
    policy = replace(POLICY, quality_weight=0.5, price_band=0.05)
    cheap, _ = rank([candidate("a", 0.8, cost=1), candidate("b", 0.82, cost=2)], policy)
    assert explain(cheap, None) == (
        "0.80 likely to answer well, weighted 0.40; ranked above a similar model that costs more"
    )
