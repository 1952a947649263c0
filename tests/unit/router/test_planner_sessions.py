"""The planner keeps a conversation's model, and counts on the caches in expected costs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from services.router.engine.planner import plan_best, plan_layer, plan_tool_turn, rank_eligible
from services.router.routing.candidates import SelectionReason, StopReason
from services.router.routing.events import RoutingDecision
from services.router.routing.prompt_caches import CacheShares, PromptCaches
from services.router.routing.ranking import Forecast
from services.router.routing.selection import explain
from services.router.types.conversation import Conversation
from services.router.types.messages import Message, Role
from tests.unit.router.candidates import POLICY
from tests.unit.router.runs import pool_model, run_of

if TYPE_CHECKING:
    from services.router.engine.run import Run

PRICED = replace(POLICY, cost_weight=0.1, price_band=0.01)
LONG = "word " * 3_000
MIN_STAGE_S = 0.2
CACHED_PRICE = "cached_prompt_price_usd_per_million_tokens"
SCORES = {"a": 0.80, "b": 0.84}


def conversation(last: Role, answers: int = 1) -> Conversation:
    turns = [Message(role=Role.USER, content=LONG)]
    for _ in range(answers):
        turns += [Message(role=Role.ASSISTANT, content="Yes."), Message(role=last, content="12")]
    return Conversation(messages=tuple(turns))


def run_in_session(
    *, last: Role = Role.USER, seen: int = 3_000, answers: int = 1, **fields: Any
) -> Run:
    """Returns a run whose conversation is with `a`, which caches; `b` has a better score."""
    models = [
        pool_model(
            name,
            **{
                "url": "https://api.openai.com/v1",  # whose models call tools
                "context_window_tokens": 100_000,
                CACHED_PRICE: 0.1,
                **fields.pop(name, {}),
            },
        )
        for name in SCORES
    ]
    caches = PromptCaches(
        seen_tokens={"a": seen} if seen else {},
        shares={"a": CacheShares(read=1.0), "b": CacheShares(read=1.0)},
    )
    settings = {"policy": PRICED, "kept_model_id": "a", "prompt_caches": caches, **fields}
    return run_of(SCORES, *models, conversation=conversation(last, answers), **settings)


def decided(planned: RoutingDecision | StopReason | None) -> tuple[str, SelectionReason | None]:
    assert isinstance(planned, RoutingDecision)
    (model_id,) = planned.selected_model_ids
    return model_id, planned.reason(model_id)


def test_the_model_with_the_prompt_in_its_cache_is_kept_and_the_explanation_says_so() -> None:
    run = run_in_session()
    planned = plan_best(run, 1)
    assert decided(planned) == ("a", SelectionReason.SESSION)
    assert isinstance(planned, RoutingDecision)
    kept = next(ranked for ranked in planned.ranked if ranked.model_id == "a")
    whole = kept.candidate.expected_prompt_tokens
    assert explain(kept, SelectionReason.SESSION).endswith(
        f"; kept: 3,000 of {whole:,} prompt tokens are likely cached; "
        "runs because the conversation stays with it"
    )
    other = next(ranked for ranked in planned.ranked if ranked.model_id == "b")
    assert "cached" not in explain(other, SelectionReason.LAYER_FULL)


def test_an_expected_cost_counts_what_is_read_from_the_cache_and_written_to_it() -> None:
    run = run_in_session(a={"cache_written_prompt_price_usd_per_million_tokens": 2.0})
    shares = {"a": CacheShares(read=1.0, written=1.0)}
    run.prompt_caches = replace(run.prompt_caches, shares=shares)
    found = next(r for r in rank_eligible(run) if r.model_id == "a").candidate
    fresh = found.expected_prompt_tokens - 3_000
    reply = found.expected_completion_tokens * 2.0
    assert found.expected_cost_usd == pytest.approx((3_000 * 0.1 + fresh * 2.0 + reply) / 1e6)
    assert found.later_cost_usd == pytest.approx((found.expected_prompt_tokens * 0.1 + reply) / 1e6)


def test_without_anything_cached_the_ranking_decides() -> None:
    assert decided(plan_best(run_in_session(seen=0), 1)) == ("b", SelectionReason.RANK)


def test_a_much_better_model_takes_over() -> None:
    run = run_in_session()
    run.priors = {"a": 0.5, "b": 0.9}
    assert decided(plan_best(run, 1)) == ("b", SelectionReason.RANK)


def test_a_switch_that_pays_off_later_goes_against_the_rank() -> None:
    expected = {1: ("a", SelectionReason.SESSION), 15: ("b", SelectionReason.STRATEGY)}
    for answers, decision in expected.items():
        run = run_in_session(answers=answers, a={CACHED_PRICE: 0.5})
        run.priors = {"a": 0.8, "b": 0.8}
        assert decided(plan_best(run, 1)) == decision


def test_an_uncertain_ranking_is_no_reason_to_switch_or_to_play_safe() -> None:
    run = run_in_session(pool={"safe_models": ("b",)}, forecast=Forecast(uncertainty=0.9))
    run.priors = {"a": 0.5, "b": 0.9}
    run.policy = replace(PRICED, max_uncertainty=0.5)
    assert decided(plan_best(run, 1)) == ("a", SelectionReason.SESSION)


@pytest.mark.parametrize(
    "fields",
    [
        {"failed": {"a"}},
        {"policy": replace(PRICED, model_ids=frozenset("b"))},
        {"forecast": Forecast(unavailable_ids=frozenset("a"))},
    ],
)
def test_a_model_that_may_not_run_is_not_kept(fields: dict[str, Any]) -> None:
    assert decided(plan_best(run_in_session(**fields), 1)) == ("b", SelectionReason.RANK)


def test_a_model_that_has_left_the_pool_is_forgotten() -> None:
    run = run_in_session(kept_model_id="gone")
    assert decided(plan_best(run, 1)) == ("a", SelectionReason.RANK)  # for its cached prompt


def test_a_kept_model_that_does_not_fit_the_limits_leaves_its_place_to_another() -> None:
    run = run_in_session(policy=replace(PRICED, max_expected_latency_s=3.0))
    run.forecast = Forecast(latency_s={"a": 4.0})
    assert decided(plan_best(run, 1)) == ("b", SelectionReason.RANK)


def test_the_members_of_a_mixture_are_chosen_by_rank_with_the_cost_of_cached_prompts() -> None:
    run = run_in_session(policy=replace(PRICED, max_layer_model_count=1))
    planned = plan_layer(run)
    assert decided(planned) == ("a", SelectionReason.RANK)  # 0.04 likelier, but 0.09 dearer
    run.prompt_caches = PromptCaches()
    assert decided(plan_layer(run)) == ("b", SelectionReason.RANK)


def test_a_tool_result_goes_to_the_model_that_asked_even_if_nothing_is_known_of_its_cache() -> None:
    run = run_in_session(last=Role.TOOL, seen=0)
    assert decided(plan_tool_turn(run, MIN_STAGE_S)) == ("a", SelectionReason.SESSION)
    assert decided(plan_best(run, 1)) == ("a", SelectionReason.SESSION)


def test_a_tool_result_goes_to_another_model_if_that_pays_off() -> None:
    run = run_in_session(last=Role.TOOL)
    run.priors = {"a": 0.5, "b": 0.9}
    assert decided(plan_tool_turn(run, MIN_STAGE_S)) == ("b", SelectionReason.RANK)


def test_other_turns_and_unknown_models_are_no_tool_turns() -> None:
    assert plan_tool_turn(run_in_session(), MIN_STAGE_S) is None
    assert plan_tool_turn(run_in_session(last=Role.TOOL, kept_model_id=None), MIN_STAGE_S) is None
    assert plan_tool_turn(run_in_session(last=Role.TOOL, failed={"a"}), MIN_STAGE_S) is None
