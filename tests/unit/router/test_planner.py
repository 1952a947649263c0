"""The models of the next layer, and the limits that leave none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from routemoa.errors import NoEligibleModelError
from services.router.engine.planner import (
    aggregators,
    blocking_limit,
    by_posterior,
    eligible,
    further_models,
    plan_best,
    plan_layer,
    plan_models,
    rank_eligible,
    select_layer,
    stop_reason,
    worst_case,
)
from services.router.prompts.context_window import INSTRUCTION_TOKENS, REFERENCE_OVERHEAD_TOKENS
from services.router.routing.candidates import SelectionReason, StopReason
from services.router.routing.events import Answer, LayerReport, RoutingDecision
from services.router.routing.ranking import Forecast
from services.router.types.conversation import prompt_tokens
from services.router.types.deadline import Deadline
from services.router.types.ledger import Ledger
from services.router.types.tokens import estimate_tokens
from tests.unit.router.candidates import POLICY, rank
from tests.unit.router.runs import ASKED, ENTRY, pool_model, run_of
from tests.virtual_time import virtually

if TYPE_CHECKING:
    from services.router.engine.run import Run

SCORES = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.2}
PROMPT = prompt_tokens(ASKED.messages)


def answer(model_id: str, text: str = "Eight.") -> Answer:
    return Answer(model_id=model_id, text=text)


def report(*answers: Answer) -> LayerReport:
    return LayerReport(
        layer_number=1,
        selected_model_ids=tuple(each.model_id for each in answers),
        answers=answers,
        assessments=(),
        usage=(),
        duration_s=1.0,
    )


def after_a_layer(*answers: Answer, **fields: Any) -> Run:
    """Returns a run in which a layer brought these answers, each with a posterior of 0.5."""
    run = run_of(SCORES, answers=answers, reports=[report(*answers)], **fields)
    run.posteriors = {each.model_id: 0.5 for each in answers}
    run.ledger.add(ENTRY)
    return run


def layer(planned: RoutingDecision | StopReason) -> tuple[str, ...]:
    assert isinstance(planned, RoutingDecision)
    return planned.selected_model_ids


def ids(run: Run) -> list[str]:
    return [model.id for model in eligible(run)]


def test_models_that_failed_or_that_the_policy_leaves_out_are_not_eligible() -> None:
    assert ids(run_of(SCORES)) == ["a", "b", "c", "d"]
    assert ids(run_of(SCORES, failed={"b"})) == ["a", "c", "d"]
    policy = replace(POLICY, model_ids=frozenset("bd"))
    assert ids(run_of(SCORES, policy=policy)) == ["b", "d"]


def test_a_model_is_eligible_if_the_conversation_and_a_whole_reply_fit_its_window() -> None:
    least = PROMPT + INSTRUCTION_TOKENS + 1_000
    fitting, small = (
        pool_model(name, context_window_tokens=size)
        for name, size in (("a", least), ("b", least - 1))
    )
    assert ids(run_of({"a": 0.5, "b": 0.5}, fitting, small)) == ["a"]


def test_a_model_is_not_asked_to_read_only_its_own_answer() -> None:
    assert ids(run_of(SCORES, answers=(answer("a"),))) == ["b", "c", "d"]
    assert ids(run_of(SCORES, answers=(answer("a"), answer("b")))) == ["a", "b", "c", "d"]


def test_a_candidate_is_estimated_from_its_model_before_any_forecast() -> None:
    run = run_of({"a": 0.9, "b": 0.8}, pool_model("b", median_latency_s=3.0))
    first, second = (ranked.candidate for ranked in rank_eligible(run))
    assert (first.model_id, first.score, first.prior_score) == ("a", 0.9, 0.9)
    assert first.expected_completion_tokens == 400
    assert first.expected_cost_usd == pytest.approx((PROMPT + 2 * 400) / 1e6)
    assert (first.expected_latency_s, second.expected_latency_s) == (2.0, 3.0)
    assert first.available
    worst_prompt = PROMPT + INSTRUCTION_TOKENS
    assert first.worst.calls == 1
    assert first.worst.tokens == worst_prompt + 1_000
    assert first.worst.usd == pytest.approx((worst_prompt + 2 * 1_000) / 1e6)
    assert worst_case(run, run.pool.by_id["a"]) == first.worst


def test_a_forecast_replaces_the_models_own_estimates() -> None:
    forecast = Forecast(
        completion_tokens={"a": 50, "b": 5_000},
        latency_s={"a": 7.0},
        unavailable_ids=frozenset("b"),
    )
    run = run_of({"a": 0.9, "b": 0.8}, forecast=forecast)
    first, second = (ranked.candidate for ranked in rank_eligible(run))
    assert (first.expected_completion_tokens, first.expected_latency_s) == (50, 7.0)
    assert second.expected_completion_tokens == 1_000  # no reply is longer than the longest
    assert (first.available, second.available) == (True, False)


def test_a_model_that_ran_is_ranked_by_its_posterior() -> None:
    run = run_of(SCORES, posteriors={"a": 0.1})
    *_, last = (ranked.candidate for ranked in rank_eligible(run))
    assert (last.model_id, last.score, last.prior_score) == ("a", 0.1, 0.9)


def test_answers_so_far_make_the_next_prompt_longer_unless_models_answer_on_their_own() -> None:
    answers = (answer("a", "one " * 50), answer("b", "two " * 30))
    read = sum(estimate_tokens(each.text) for each in answers)
    run = run_of(SCORES, answers=answers)
    first = rank_eligible(run)[0].candidate
    assert first.expected_cost_usd == pytest.approx((PROMPT + read + 2 * 400) / 1e6)
    overhead = INSTRUCTION_TOKENS + 2 * REFERENCE_OVERHEAD_TOKENS
    assert first.worst.tokens == PROMPT + read + overhead + 1_000
    run.independent = True
    assert rank_eligible(run)[0].candidate.worst.tokens == PROMPT + INSTRUCTION_TOKENS + 1_000


def test_the_first_layer_runs_whatever_the_time_left() -> None:
    run = run_of(SCORES, deadline=Deadline.after(0.1))
    assert stop_reason(run, min_stage_s=0.2) is None


@virtually
async def test_no_further_layer_runs_in_less_than_the_least_time() -> None:
    late = after_a_layer(answer("a", "7"), answer("b", "8"), deadline=Deadline.after(10))
    assert stop_reason(late, min_stage_s=10) is None
    assert stop_reason(late, min_stage_s=10.1) is StopReason.DEADLINE


def test_a_reason_that_is_known_is_reported_even_if_time_is_short_too() -> None:
    agreed = after_a_layer(answer("a", "8"), answer("b", "8"), deadline=Deadline.after(10))
    assert stop_reason(agreed, min_stage_s=11) is StopReason.AGREEMENT
    limited = run_of(SCORES, stop_reason=StopReason.COST_LIMIT)
    assert stop_reason(limited, min_stage_s=1) is StopReason.COST_LIMIT
    agreed.stop_reason = StopReason.NO_GAIN
    assert stop_reason(agreed, min_stage_s=1) is StopReason.NO_GAIN


def test_layers_end_by_score_by_agreement_and_by_their_number() -> None:
    differing = (answer("a", "7"), answer("b", "8"))
    assert stop_reason(after_a_layer(*differing), min_stage_s=1) is None
    sure = after_a_layer(*differing)
    sure.posteriors["a"] = 0.8
    assert stop_reason(sure, min_stage_s=1) is StopReason.SCORE
    single = replace(POLICY, max_layer_count=1)
    only = after_a_layer(*differing, policy=single)
    assert stop_reason(only, min_stage_s=1) is StopReason.LAYER_LIMIT


def test_a_layer_without_answers_is_followed_by_another() -> None:
    run = run_of(SCORES, reports=[report()], policy=replace(POLICY, max_layer_count=1))
    assert stop_reason(run, min_stage_s=1) is None


def test_a_layer_has_the_best_models_and_their_reasons() -> None:
    run = run_of(
        SCORES, policy=replace(POLICY, max_score_gap=0.5), forecast=Forecast(uncertainty=0.3)
    )
    planned = plan_layer(run)
    assert isinstance(planned, RoutingDecision)
    assert planned.selected_model_ids == ("a", "b", "c")
    assert planned.reasons["a"] is SelectionReason.RANK
    assert planned.reasons["d"] is SelectionReason.SCORE_GAP
    assert [ranked.model_id for ranked in planned.ranked] == ["a", "b", "c", "d"]
    assert (planned.layer_number, planned.uncertainty) == (1, 0.3)


def test_the_number_of_a_layer_follows_those_that_ran() -> None:
    planned = plan_layer(after_a_layer(answer("a", "7"), answer("b", "8")))
    assert isinstance(planned, RoutingDecision)
    assert planned.layer_number == 2


def test_a_layer_prefers_the_team_that_the_scorer_named() -> None:
    run = run_of(SCORES, forecast=Forecast(team_ids=("a", "d")))
    run.policy = replace(POLICY, max_layer_model_count=2)
    assert layer(plan_layer(run)) == ("a", "d")
    assert layer(plan_best(run, 2)) == ("a", "b")  # a plan by rank knows no team


@pytest.mark.parametrize(("uncertainty", "safe"), [(0.49, False), (0.5, True)])
def test_an_uncertain_ranking_runs_the_pools_safe_models(uncertainty: float, safe: bool) -> None:
    run = run_of(
        SCORES,
        pool={"safe_models": ("d", "c")},
        policy=replace(POLICY, max_uncertainty=0.5),
        forecast=Forecast(uncertainty=uncertainty),
    )
    assert layer(plan_layer(run)) == (("c", "d") if safe else ("a", "b", "c"))
    assert layer(plan_best(run, 1)) == (("d",) if safe else ("a",))
    assert layer(plan_best(run, 3)) == ("a", "b", "c")


def test_a_model_whose_score_is_known_to_be_good_enough_needs_no_first_layer() -> None:
    run = run_of(SCORES, posteriors={"a": 0.8, "b": 0.1})
    _, selection = select_layer(run)
    assert (selection.model_ids, selection.stop_reason) == ((), StopReason.SCORE)
    run.posteriors = {"a": 0.79}
    assert select_layer(run)[1].stop_reason is None
    again = after_a_layer(answer("a", "7"), answer("b", "8"))
    again.posteriors["a"] = 0.8
    assert select_layer(again)[1].stop_reason is None  # `stop_reason` decides after a layer


def test_the_best_models_are_planned_however_far_apart_their_scores_are() -> None:
    run = run_of(SCORES, policy=replace(POLICY, max_score_gap=0.1, max_layer_model_count=1))
    assert layer(plan_best(run, 4)) == ("a", "b", "c", "d")


def test_limits_that_leave_no_model_are_an_error_before_the_first_call_and_a_reason_after() -> None:
    poor = replace(POLICY, max_cost_usd=0.0001)
    with pytest.raises(NoEligibleModelError, match="cost more than the policy allows"):
        plan_layer(run_of(SCORES, policy=poor))
    with pytest.raises(NoEligibleModelError):
        plan_best(run_of(SCORES, policy=poor), 1)
    assert plan_layer(after_a_layer(answer("a"), policy=poor)) is StopReason.COST_LIMIT


def test_named_models_are_planned_in_the_order_given_and_may_repeat() -> None:
    run = run_of(SCORES, forecast=Forecast(unavailable_ids=frozenset("d")))
    planned = plan_models(run, rank_eligible(run), ["c", "a", "c"])
    assert layer(planned) == ("c", "a", "c")
    assert isinstance(planned, RoutingDecision)
    assert planned.reasons == {
        "a": SelectionReason.STRATEGY,
        "c": SelectionReason.STRATEGY,
        "d": SelectionReason.UNAVAILABLE,
    }
    safe = plan_models(run, rank([], POLICY), ["b"], SelectionReason.SAFE)
    assert isinstance(safe, RoutingDecision)
    assert safe.reasons == {"b": SelectionReason.SAFE}


def test_named_models_that_do_not_fit_together_are_left_out() -> None:
    run = run_of(SCORES, policy=replace(POLICY, max_call_count=2))
    ranked = rank_eligible(run)
    assert layer(plan_models(run, ranked, ["a", "b", "c"])) == ("a", "b")
    run.policy = replace(POLICY, max_token_count=10)
    with pytest.raises(NoEligibleModelError, match="more tokens than the policy allows"):
        plan_models(run, ranked, ["a"])
    run.ledger.add(ENTRY)
    assert plan_models(run, ranked, ["a"]) is StopReason.TOKEN_LIMIT


def decision(run: Run, *selected: str) -> RoutingDecision:
    return RoutingDecision(layer_number=1, ranked=rank_eligible(run), selected_model_ids=selected)


def further(run: Run, *selected: str) -> list[str]:
    return [model.id for model in further_models(run, decision(run, *selected))]


def test_further_models_are_those_left_out_best_first() -> None:
    assert further(run_of(SCORES), "b") == ["a", "c", "d"]
    assert further(run_of(SCORES, forecast=Forecast(unavailable_ids=frozenset("c"))), "b") == [
        "a",
        "d",
    ]
    slow = run_of(SCORES, pool_model("a", median_latency_s=9.0))
    slow.policy = replace(POLICY, max_expected_latency_s=5.0)
    assert further(slow, "b") == ["c", "d"]


def test_a_model_answers_a_second_time_only_if_it_can_read_the_others() -> None:
    run = after_a_layer(answer("a", "7"), answer("b", "8"))
    assert "a" in further(run, "c")
    run.independent = True
    assert further(run, "c") == ["d"]


@virtually
async def test_a_call_is_blocked_by_time_then_by_its_model_then_by_the_limits() -> None:
    run = run_of(SCORES, deadline=Deadline.after(10))
    model = run.pool.by_id["a"]
    assert blocking_limit(run, model, 10) is None
    assert blocking_limit(run, model, 10.1) is StopReason.DEADLINE
    run.policy = replace(POLICY, max_call_count=0)
    assert blocking_limit(run, model, 5) is StopReason.CALL_LIMIT
    assert (
        blocking_limit(run, pool_model("s", context_window_tokens=1_001), 5) is StopReason.NO_MODEL
    )
    run.failed.add("a")
    assert blocking_limit(run, model, 5) is StopReason.NO_MODEL
    assert blocking_limit(run, model, 11) is StopReason.DEADLINE


def test_what_was_used_counts_against_the_limits_of_the_next_call() -> None:
    run = run_of(SCORES, policy=replace(POLICY, max_call_count=1), ledger=Ledger())
    model = run.pool.by_id["a"]
    assert blocking_limit(run, model, 1) is None
    run.ledger.add(ENTRY)
    assert blocking_limit(run, model, 1) is StopReason.CALL_LIMIT


def merging(run: Run, *authors: str) -> list[str]:
    return [model.id for model in aggregators(run, [answer(author) for author in authors])]


def test_the_pools_aggregator_merges_then_the_best_authors() -> None:
    assert merging(run_of(SCORES), "b", "a", "b") == ["b", "a"]
    chosen = run_of(SCORES, pool={"aggregator": "d"})
    assert merging(chosen, "b", "a") == ["d", "b", "a"]
    assert merging(chosen, "b", "d") == ["d", "b"]
    chosen.failed.add("b")
    assert merging(chosen, "b", "a") == ["d", "a"]
    chosen.policy = replace(POLICY, model_ids=frozenset("ab"))
    assert merging(chosen, "a") == ["a"]
    chosen.policy = replace(POLICY, model_ids=frozenset("ad"))
    assert merging(chosen, "a") == ["d", "a"]


def test_answers_stand_by_posterior_and_equals_keep_their_order() -> None:
    run = run_of(SCORES, posteriors={"a": 0.2, "b": 0.7, "c": 0.2})
    found = by_posterior(run, [answer("c"), answer("a"), answer("b")])
    assert [each.model_id for each in found] == ["b", "c", "a"]
