"""Every strategy over the wire: who is called, with what, what is shown, why it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.protobuf import duration_pb2
from prometheus_client import REGISTRY

from routemoa.v1 import router_service_pb2 as pb
from services.router.backends.replicas.config import EjectionSettings, ReplicaTuning
from services.router.strategies.registry import STRATEGIES
from services.router.tuning import Tuning
from services.simulator import Call, FaultKind, Purpose
from tests.integration.speakers import called, speaker

if TYPE_CHECKING:
    from tests.integration.conftest import StartRouter
    from tests.scripted_answers import Script

SCORES = {"a": 0.7, "b": 0.65, "c": 0.6, "d": 0.1}


SCRIPTS = dict.fromkeys(SCORES, speaker)


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_the_result_says_the_strategy_and_the_ledger_adds_up(
    start_router: StartRouter, strategy: str
) -> None:
    router = await start_router(SCRIPTS, SCORES)
    result = await router.ask(strategy=strategy)
    assert result.strategy == strategy
    assert router.shown == result.answer.text
    assert "@@" not in result.answer.text
    assert result.cost_usd == pytest.approx(sum(entry.cost_usd for entry in result.usage))
    # On a busy machine, connecting may take too long.
    reached = [e for e in result.usage if e.status != pb.CALL_STATUS_UNREACHABLE]
    assert len(reached) == len(router.simulator.calls)


async def test_the_service_names_the_strategy_of_requests_that_do_not(
    start_router: StartRouter,
) -> None:
    router = await start_router(SCRIPTS, SCORES, strategy="single")
    assert (await router.ask()).strategy == "single"


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_first_model_that_fails_is_replaced(
    start_router: StartRouter, strategy: str
) -> None:
    router = await start_router(SCRIPTS, SCORES)
    router.simulator.set_fault("a", FaultKind.ERROR_500)
    result = await router.ask(strategy=strategy)
    assert result.answer.model_id != "a"
    assert router.shown == result.answer.text


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_one_model_alone_streams_through(start_router: StartRouter, strategy: str) -> None:
    router = await start_router(SCRIPTS, SCORES)
    result = await router.ask(strategy=strategy, model_ids=["b"], max_layer_model_count=1)
    assert result.answer.text == "b says 8"
    assert called(result) == ["b"]


async def test_single_asks_the_best_model_alone(start_router: StartRouter) -> None:
    router = await start_router(SCRIPTS, SCORES)
    result = await router.ask(strategy="single")
    assert called(result) == ["a"]
    assert result.answer.text == "a says 8"
    assert result.stop_reason == pb.STOP_REASON_COMPLETE


async def test_single_takes_the_next_best_model_when_one_dies(start_router: StartRouter) -> None:
    router = await start_router(SCRIPTS, SCORES)
    router.simulator.set_fault("a", FaultKind.DIE_MIDSTREAM)
    router.simulator.set_fault("b", FaultKind.ERROR_429)
    result = await router.ask(strategy="single")
    assert called(result) == ["a", "b", "c"]
    assert router.shown == "c says 8"


async def test_moa_asks_every_model_in_every_layer(start_router: StartRouter) -> None:
    router = await start_router(SCRIPTS, SCORES)
    result = await router.ask(strategy="moa", max_layer_count=3)
    assert called(result) == ["a", "b", "c", "d"] * 3 + ["a"]
    assert [len(layer.answers) for layer in result.layers] == [4, 4, 4]
    assert result.layers[1].answers[3].text == "d says 8 after abcd"
    assert result.stop_reason == pb.STOP_REASON_LAYER_LIMIT
    assert not any(layer.assessments for layer in result.layers)


async def test_a_model_that_was_late_is_asked_again_and_one_that_failed_is_not(
    start_router: StartRouter,
) -> None:
    ejection = EjectionSettings(failure_count=1, max_share=1.0)
    tuning = Tuning(replicas=ReplicaTuning(ejection=ejection))
    router = await start_router(SCRIPTS, SCORES, quorum_share=0.5, tuning=tuning)
    router.simulator.set_fault("c", FaultKind.HANG)
    router.simulator.set_fault("d", FaultKind.ERROR_500)
    result = await router.ask(strategy="moa", max_layer_count=2)
    assert [list(layer.selected_model_ids) for layer in result.layers] == [
        list("abcd"),
        list("abc"),
    ]
    late = [entry.status for entry in result.usage if entry.model_id == "c"]
    assert late == [pb.CALL_STATUS_CANCELLED] * 2
    assert {m: ejected(m) for m in "cd"} == {"c": 0, "d": 1}


def ejected(model_id: str) -> float | None:
    """Returns how many replicas of a model are left alone."""
    return REGISTRY.get_sample_value(
        "routemoa_router_replicas_ejected_count", {"model_id": model_id}
    )


async def test_moa_runs_no_more_models_than_the_policy_allows(start_router: StartRouter) -> None:
    router = await start_router(SCRIPTS, SCORES)
    result = await router.ask(strategy="moa", max_layer_count=1, max_layer_model_count=2)
    assert called(result) == ["a", "b", "a"]


async def test_self_moa_merges_samples_of_the_best_model(start_router: StartRouter) -> None:
    numbers = iter("1234")

    def sampled(call: Call) -> str:
        return f"a says {next(numbers)}" if not call.references else "merged"

    router = await start_router({**SCRIPTS, "a": sampled}, SCORES, aggregator="b")
    result = await router.ask(strategy="self-moa", max_layer_model_count=3)
    assert called(result) == ["a"] * 4
    assert list(result.layers[0].selected_model_ids) == ["a"] * 3
    assert result.answer.text == "merged"
    assert result.stop_reason == pb.STOP_REASON_COMPLETE


async def test_self_moa_samples_the_next_best_model_when_one_fails(
    start_router: StartRouter,
) -> None:
    router = await start_router(SCRIPTS, SCORES)
    router.simulator.set_fault("a", FaultKind.ERROR_500)
    result = await router.ask(strategy="self-moa", max_layer_model_count=2)
    assert called(result) == ["a", "a", "b", "b"]
    assert result.answer.text == "b says 8"


async def test_a_preset_fills_what_the_request_leaves_out(start_router: StartRouter) -> None:
    router = await start_router(SCRIPTS, SCORES)
    result = await router.ask(preset="large-pool", strategy="moa")
    assert len(result.layers) == 3
    result = await router.ask(preset="large-pool", strategy="moa", max_layer_count=1)
    assert len(result.layers) == 1


async def test_a_token_limit_is_kept(start_router: StartRouter) -> None:
    router = await start_router(SCRIPTS, SCORES)
    # A full reply is 1,024 tokens: two fit beside one another, the other models do not.
    result = await router.ask(strategy="moa", max_token_count=2800, max_layer_count=1)
    assert called(result) == ["a", "b", "a"]
    tokens = sum(e.prompt_token_count + e.completion_token_count for e in result.usage)
    assert tokens <= 2800


def debater(keep: list[str], *, over: bool) -> Script:
    """Answers by name; as a judge it keeps answers, as a moderator it ends the debate or not."""

    def script(call: Call) -> str:
        if call.purpose is Purpose.SELECTION:
            labels = {r.text[0]: r.label for r in call.references}
            return call.verdict(keep=[labels[name] for name in keep])
        if call.purpose is Purpose.MODERATION:
            return call.verdict(over=over)
        return speaker(call)

    return script


async def test_smoa_goes_on_with_the_answers_that_the_judge_keeps(
    start_router: StartRouter,
) -> None:
    scripts = {**SCRIPTS, "a": debater(["d", "b"], over=False)}
    router = await start_router(scripts, SCORES)
    result = await router.ask(strategy="smoa", max_layer_count=2)
    purposes = [pb.CallPurpose.Name(e.purpose).removeprefix("CALL_PURPOSE_") for e in result.usage]
    assert purposes == [
        *["ANSWER"] * 4, "SELECTION", "MODERATION", *["ANSWER"] * 4, "SELECTION", "AGGREGATION"
    ]  # fmt: skip
    assert result.layers[1].answers[2].text == "c says 8 after bd"
    assert len(result.layers[0].usage) == 6
    assert result.stop_reason == pb.STOP_REASON_LAYER_LIMIT


async def test_smoa_ends_when_the_moderator_says_so(start_router: StartRouter) -> None:
    scripts = {**SCRIPTS, "a": debater(["c", "b"], over=True)}
    router = await start_router(scripts, SCORES, aggregator="a")
    result = await router.ask(strategy="smoa", max_layer_count=3)
    assert len(result.layers) == 1
    assert result.stop_reason == pb.STOP_REASON_MODERATOR
    assert result.answer.text == "a says 8 after bc"


@pytest.mark.parametrize(
    "said",
    ["no verdict", '@@selection 00000000 {"keep": ["R4"]}', '{"keep": 7, "over": "yes"}', ""],
)
async def test_smoa_without_a_verdict_keeps_what_ranks_first_and_goes_on(
    start_router: StartRouter, said: str
) -> None:
    def silent(call: Call) -> str:
        judging = call.purpose in {Purpose.SELECTION, Purpose.MODERATION}
        return said if judging else speaker(call)

    router = await start_router({**SCRIPTS, "a": silent}, SCORES, aggregator="a")
    result = await router.ask(strategy="smoa", max_layer_count=2)
    assert len(result.layers) == 2
    assert result.layers[1].answers[0].text.endswith("after ab")


async def test_smoa_gives_every_model_a_role_of_its_own(start_router: StartRouter) -> None:
    systems: dict[str, set[str]] = {}

    def watcher(call: Call) -> str:
        if call.purpose in {Purpose.PLAIN, Purpose.AGGREGATION}:
            system = call.messages[0].content.split("\n")[0]
            systems.setdefault(call.model, set()).add(system)
        return speaker(call)

    router = await start_router(dict.fromkeys(SCORES, watcher), SCORES, aggregator="b")
    await router.ask(strategy="smoa", max_layer_count=2, model_ids=["a", "c", "d"])
    assert all(len(systems[name]) == 1 for name in "cd")
    assert len({next(iter(systems[name])) for name in "cd"}) == 2


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_models_that_are_expected_to_be_slow_do_not_run(
    start_router: StartRouter, strategy: str
) -> None:
    slow = {name: {"median_latency_s": 20.0} for name in "abc"}
    router = await start_router(SCRIPTS, SCORES, models=slow)
    limit = duration_pb2.Duration(seconds=10)
    result = await router.ask(strategy=strategy, max_expected_latency=limit)
    assert set(called(result)) == {"d"}
