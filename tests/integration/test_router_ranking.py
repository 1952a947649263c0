"""What the router makes of everything that the scorer and its own calls tell it, over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration

from routemoa.errors import InvalidFieldError, NoEligibleModelError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import router_service_pb2 as pb
from routemoa.v1.model_pb2 import ROLE_USER, Message

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from routemoa.errors import RouteMoAError
    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.7, "b": 0.65, "c": 0.62, "d": 0.61}
SCRIPTS = dict.fromkeys(SCORES, "eight")


async def route(router: RouterBench, **policy: Any) -> pb.RouteQueryResponse:
    legs = Message(role=ROLE_USER, content="Legs?")
    request = pb.RouteQueryRequest(
        messages=[legs], policy=pb.RoutingPolicy(**policy), ranking_view=pb.RANKING_VIEW_FULL
    )
    return await router.stub.RouteQuery(request)


async def failure(call: Awaitable[Any]) -> RouteMoAError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)


def substitutes(decision: pb.RouteQueryResponse) -> list[str]:
    return [pb.Substitute.Name(fallback.substitute) for fallback in decision.fallbacks]


def reasons(models: Any) -> dict[str, str]:
    name = pb.SelectionReason.Name
    return {m.model_id: name(m.selection_reason).removeprefix("SELECTION_REASON_") for m in models}


async def test_every_model_of_a_ranking_is_explained(start_router: StartRouter) -> None:
    router = await start_router(SCRIPTS, SCORES, models={"d": {"median_latency_s": 9.0}})
    router.scorer.tokens = {"b": 55, "c": 5_000}
    decision = await route(
        router, max_layer_model_count=2, max_expected_latency=Duration(seconds=8)
    )
    assert reasons(decision.ranked_models) == {
        "a": "RANK",
        "b": "RANK",
        "c": "LAYER_FULL",
        "d": "LATENCY_LIMIT",
    }
    by_id = {m.model_id: m for m in decision.ranked_models}
    lengths = {m: by_id[m].expected_completion_token_count for m in "abc"}
    assert lengths == {"a": 400, "b": 55, "c": 1024}  # the pool's, the scorer's, the most allowed
    assert by_id["b"].expected_cost_usd < by_id["a"].expected_cost_usd
    assert by_id["a"].prior_score == pytest.approx(0.7)
    assert by_id["a"].explanation.startswith("0.70 likely to answer well")
    assert by_id["a"].explanation.endswith("; runs because of its rank")
    assert "does not run: it is expected to take too long" in by_id["d"].explanation


@pytest.mark.parametrize("strategy", ["routemoa", "single", "cascade", "moa"])
async def test_a_model_whose_name_has_no_address_is_passed_over_and_said_to_be(
    start_router: StartRouter, strategy: str
) -> None:
    nowhere = {"url": None, "endpoints": {"dns": {"name": "no-such-name.invalid", "port": 1}}}
    router = await start_router(SCRIPTS, SCORES, models={"a": nowhere})
    result = await router.ask(strategy=strategy)
    assert result.answer.text == "eight"
    assert "a" not in {entry.model_id for entry in result.usage}
    routing = router.events[0].routing
    assert reasons(routing.ranked_models)["a"] == "UNAVAILABLE"


async def test_a_stream_says_why_and_how_sure_and_the_result_says_how_sure(
    start_router: StartRouter,
) -> None:
    router = await start_router(SCRIPTS, SCORES)
    router.scorer.uncertainty = 0.25
    result = await router.ask(max_layer_count=1)
    routing = router.events[0].routing
    assert routing.uncertainty == result.uncertainty == pytest.approx(0.25)
    assert reasons(routing.ranked_models) == {
        "a": "RANK",
        "b": "RANK",
        "c": "RANK",
        "d": "LAYER_FULL",
    }


async def test_within_the_price_band_the_cheaper_model_comes_first(
    start_router: StartRouter,
) -> None:
    dear = {"prompt_price_usd_per_million_tokens": 90.0, "median_latency_s": 1.0}
    router = await start_router(SCRIPTS, SCORES, models={"a": dear})
    exact = await route(router, price_band=0.0, cost_weight=0.0)
    assert exact.ranked_models[0].model_id == "a"
    banded = await route(router, price_band=0.06, cost_weight=0.0)
    assert banded.ranked_models[0].model_id == "b"
    assert "ranked above a similar model that costs more" in banded.ranked_models[0].explanation


async def test_the_scorers_team_runs(start_router: StartRouter) -> None:
    router = await start_router(SCRIPTS, SCORES)
    router.scorer.team = ("a", "d", "c")
    decision = await route(router)
    assert list(decision.selected_model_ids) == ["a", "c", "d"]
    assert reasons(decision.ranked_models)["d"] == "TEAM"
    assert router.scorer.requests[-1].team_size == 3
    assert list((await route(router, max_layer_model_count=1)).selected_model_ids) == ["a"]
    assert not router.scorer.requests[-1].HasField("team_size")


async def test_an_uncertain_query_runs_the_safe_models(start_router: StartRouter) -> None:
    router = await start_router(SCRIPTS, SCORES, safe_models=("d", "b"))
    router.scorer.uncertainty = 0.6
    result = await router.ask(max_layer_count=2, max_uncertainty=0.5, stopping_score=1.0)
    assert list(result.layers[0].selected_model_ids) == ["b", "d"]
    assert reasons(router.events[0].routing.ranked_models)["d"] == "SAFE"
    assert [
        (
            pb.Dependency.Name(f.dependency),
            pb.FallbackReason.Name(f.reason),
            pb.Substitute.Name(f.substitute),
        )
        for f in result.fallbacks
    ] == [("DEPENDENCY_SCORER", "FALLBACK_REASON_UNCERTAIN", "SUBSTITUTE_SAFE_MODELS")]
    relied_on = await route(router, max_uncertainty=0.7)
    assert list(relied_on.selected_model_ids) == ["a", "b", "c"]
    assert not relied_on.fallbacks
    assert relied_on.uncertainty == pytest.approx(0.6)


async def test_a_lone_model_for_an_uncertain_query_is_a_safe_one(
    start_router: StartRouter,
) -> None:
    router = await start_router(SCRIPTS, SCORES, safe_models=("d",))
    router.scorer.uncertainty = 0.9
    assert (await router.ask(strategy="single")).answer.model_id == "d"
    everyone = await router.ask(strategy="moa", max_layer_count=1)
    assert list(everyone.layers[0].selected_model_ids) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("strategy", ["routemoa", "single", "moa", "smoa", "self-moa", "cascade"])
async def test_no_strategy_runs_a_model_that_is_expected_to_take_too_long(
    start_router: StartRouter, strategy: str
) -> None:
    slow = {m: {"median_latency_s": 9.0} for m in "abc"}
    router = await start_router(SCRIPTS, SCORES, models=slow, aggregator="d")
    limit = Duration(seconds=5)
    result = await router.ask(strategy=strategy, max_expected_latency=limit)
    assert {entry.model_id for entry in result.usage} == {"d"}
    nobody = router.ask(strategy=strategy, max_expected_latency=limit, model_ids=["a", "b"])
    assert isinstance(await failure(nobody), NoEligibleModelError)


async def test_without_safe_models_an_uncertain_ranking_stands(start_router: StartRouter) -> None:
    router = await start_router(SCRIPTS, SCORES)
    router.scorer.uncertainty = 1.0
    decision = await route(router)
    assert list(decision.selected_model_ids) == ["a", "b", "c"]
    assert not decision.fallbacks


async def test_without_a_scorer_nothing_is_certain(start_router: StartRouter) -> None:
    router = await start_router(
        SCRIPTS, SCORES, scorer_address="127.0.0.1:1", safe_models=("c",), dependency_timeout_s=0.3
    )
    decision = await route(router)
    assert list(decision.selected_model_ids) == ["c"]
    assert not decision.HasField("uncertainty")
    assert {pb.Substitute.Name(f.substitute) for f in decision.fallbacks} == {
        "SUBSTITUTE_POOL_PRIORS",
        "SUBSTITUTE_SAFE_MODELS",
    }


async def test_the_scorer_is_asked_about_the_models_that_may_run(
    start_router: StartRouter,
) -> None:
    router = await start_router(SCRIPTS, {**SCORES, "elsewhere": 0.9})
    await route(router)
    assert not router.scorer.requests[-1].model_ids  # nothing is known yet of what it knows
    await route(router, model_ids=["a", "c"])
    assert list(router.scorer.requests[-1].model_ids) == ["a", "c"]
    await route(router)
    assert list(router.scorer.requests[-1].model_ids) == ["a", "b", "c", "d"]


async def test_another_artifact_that_lacks_a_model_is_noticed_at_once(
    start_router: StartRouter,
) -> None:
    router = await start_router(SCRIPTS, SCORES, models={"d": {"prior_score": 0.3}})
    await route(router)
    del router.scorer.scores["d"]
    decision = await route(router)
    assert {m.model_id: m.score for m in decision.ranked_models}["d"] == pytest.approx(0.3)
    assert not decision.fallbacks
    del router.scorer.scores["c"]
    decision = await route(router)
    mean = (SCORES["a"] + SCORES["b"]) / 2
    guess = {m.model_id: m.score for m in decision.ranked_models}["c"]
    assert guess == pytest.approx(mean, abs=0.1)
    assert substitutes(decision) == ["SUBSTITUTE_MEAN_PRIOR"]


async def test_a_pool_that_the_scorer_does_not_know_is_uncertain_and_its_safe_models_run(
    start_router: StartRouter,
) -> None:
    router = await start_router(SCRIPTS, {"elsewhere": 0.3, "too": 0.5}, safe_models=("c",))
    decision = await route(router)
    scores = {m.score for m in decision.ranked_models}
    assert len(scores) == 1
    assert scores.pop() == pytest.approx(0.5, abs=0.2)
    assert not decision.HasField("uncertainty")
    assert list(decision.selected_model_ids) == ["c"]
    assert substitutes(decision) == ["SUBSTITUTE_MEAN_PRIOR", "SUBSTITUTE_SAFE_MODELS"]


async def test_another_artifact_that_knows_one_more_model_is_noticed_with_the_next_query(
    start_router: StartRouter,
) -> None:
    scores = {m: s for m, s in SCORES.items() if m != "d"}
    router = await start_router(SCRIPTS, scores, models={"d": {"prior_score": 0.3}})
    await route(router)
    router.scorer.scores["d"] = 0.99
    router.scorer.version = "newer"
    await route(router)
    decision = await route(router)
    assert {m.model_id: m.score for m in decision.ranked_models}["d"] == pytest.approx(0.99)


async def test_the_latency_of_calls_is_learned(start_router: StartRouter) -> None:
    router = await start_router(SCRIPTS, SCORES)
    before = {m.model_id: m.expected_latency for m in (await route(router)).ranked_models}
    assert {span.ToNanoseconds() for span in before.values()} == {1_000_000_000}
    await router.ask(max_layer_count=1, model_ids=["a"])
    after = {m.model_id: m.expected_latency for m in (await route(router)).ranked_models}
    assert after["a"].ToNanoseconds() < 1_000_000_000
    assert after["b"] == before["b"]


async def test_a_layer_ranks_as_the_one_before_where_nothing_was_learned_of_a_model(
    start_router: StartRouter,
) -> None:
    router = await start_router({**SCRIPTS, "a": "nine"}, SCORES)
    await router.ask(max_layer_count=2, max_layer_model_count=2, stopping_score=1.0)
    first, second = (e.routing for e in router.events if e.HasField("routing"))
    idle = {"c", "d"}
    orders = [[m.model_id for m in r.ranked_models if m.model_id in idle] for r in (first, second)]
    assert orders[0] == orders[1]
    for ranked in second.ranked_models:
        if ranked.model_id in idle:
            assert ranked.score == ranked.prior_score
            before = next(m for m in first.ranked_models if m.model_id == ranked.model_id)
            assert ranked.expected_latency == before.expected_latency


async def test_limits_that_no_model_keeps_are_named(start_router: StartRouter) -> None:
    router = await start_router(SCRIPTS, SCORES)
    few = await failure(route(router, max_token_count=10))
    assert isinstance(few, NoEligibleModelError)
    assert few.metadata["max_token_count"] == "10"
    fast = await failure(route(router, max_expected_latency=Duration(nanos=1_000_000)))
    assert isinstance(fast, NoEligibleModelError)
    named = {"max_expected_latency_s": "0.001", "fastest_expected_latency_s": "1.000"}
    assert named.items() <= fast.metadata.items()


async def test_everything_wrong_with_the_new_limits_is_said_at_once(
    start_router: StartRouter,
) -> None:
    router = await start_router(SCRIPTS, SCORES)
    error = await failure(
        route(
            router,
            price_band=1.5,
            max_uncertainty=float("nan"),
            max_token_count=-1,
            max_expected_latency=Duration(seconds=-1),
        )
    )
    assert isinstance(error, InvalidFieldError)
    assert sorted(violation.field for violation in error.violations) == [
        "policy.max_expected_latency",
        "policy.max_token_count",
        "policy.max_uncertainty",
        "policy.price_band",
    ]


async def test_an_explanation_says_that_a_score_is_guessed_or_of_a_model_of_another_name(
    start_router: StartRouter,
) -> None:
    spelled = "meta-llama/llama-3.1-8b-instruct"
    scripts = dict.fromkeys((spelled, "Qwen2.5-72B-Instruct"), SCRIPTS["a"])
    router = await start_router(scripts, {"Meta-Llama-3.1-8B-Instruct": 0.5})
    for _ in range(2):  # before and after it is known what the scorer knows
        decision = await route(router)
        explanations = {m.model_id: m.explanation for m in decision.ranked_models}
        assert "; scored as Meta-Llama-3.1-8B-Instruct; " in explanations[spelled]
        assert "; guessed, ± " in explanations["Qwen2.5-72B-Instruct"]
        assert " from 72B parameters, released 2024-09; " in explanations["Qwen2.5-72B-Instruct"]
        assert substitutes(decision) == ["SUBSTITUTE_MEAN_PRIOR"]
    assert list(router.scorer.requests[-1].model_ids) == ["Meta-Llama-3.1-8B-Instruct"]


async def test_a_scorer_that_reloads_to_models_under_other_names_is_followed(
    start_router: StartRouter,
) -> None:
    spelled = "llama3.1:8b"
    scripts = dict.fromkeys((spelled, "other"), SCRIPTS["a"])
    router = await start_router(scripts, {"Meta-Llama-3.1-8B-Instruct": 0.5, "other": 0.4})
    await route(router)
    await route(router)
    router.scorer.scores.clear()
    router.scorer.scores.update({"llama-3.1-8b-instruct": 0.7, "new": 0.1})
    decision = await route(router)
    scores = {m.model_id: m.score for m in decision.ranked_models}
    assert scores[spelled] == pytest.approx(0.7)
    assert substitutes(decision) == ["SUBSTITUTE_MEAN_PRIOR"]
