"""Everything that can go wrong behind the router: each ends in a typed error or a reported fallback."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import grpc
import grpc.aio
import pytest

from routemoa.errors import AnswerTimedOutError, GenerationFailedError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import router_service_pb2 as pb
from services.router.tuning import Tuning
from services.scorer.config import ScorerServiceConfig
from services.simulator import Call, CallOutcome, FaultKind, Purpose
from tests.conftest import LOOPBACK, Serve
from tests.integration.hanging import HangingScorer, hanging_scorer_app

if TYPE_CHECKING:
    from pathlib import Path

    from routemoa.errors import RouteMoAError
    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.7, "b": 0.65, "c": 0.6, "d": 0.2}
CLOSED = "127.0.0.1:1"
"""Nothing listens here."""
MARGIN_MS = 1_000
"""How long before the deadline the router answers here: enough on a busy machine."""


def scripts_of(*names: str) -> dict[str, object]:
    def script(call: Call) -> str:
        if call.purpose is Purpose.AGGREGATION:
            return f"merged by {call.model} " + "word " * 40
        return call.assessed(f"{call.model} says {'eight ' * 20}", self_score=0.6)

    return dict.fromkeys(names, script)


async def failure(router: RouterBench, **asked: object) -> RouteMoAError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await router.ask(**asked)  # type: ignore[arg-type]
    return from_rpc_error(caught.value)


STATUS_OF_FAULT = {
    FaultKind.REFUSE: pb.CALL_STATUS_UNREACHABLE,
    FaultKind.DIE_MIDSTREAM: pb.CALL_STATUS_INTERRUPTED,
    FaultKind.MALFORMED_SSE: pb.CALL_STATUS_MALFORMED,
    FaultKind.ERROR_500: pb.CALL_STATUS_BACKEND_ERROR,
    FaultKind.ERROR_429: pb.CALL_STATUS_RATE_LIMITED,
    FaultKind.ERROR_IN_STREAM: pb.CALL_STATUS_BACKEND_ERROR,
    FaultKind.FILTERED: pb.CALL_STATUS_REJECTED,
    FaultKind.EMPTY: pb.CALL_STATUS_EMPTY,
    FaultKind.HANG: pb.CALL_STATUS_CANCELLED,
    FaultKind.STALL: pb.CALL_STATUS_CANCELLED,
}


@pytest.mark.parametrize(("kind", "status"), STATUS_OF_FAULT.items())
async def test_a_model_that_fails_is_dropped_and_never_rewarded(
    start_router: StartRouter, kind: FaultKind, status: int
) -> None:
    router = await start_router(scripts_of(*SCORES), SCORES)
    router.simulator.set_fault("a", kind)
    result = await router.ask(max_layer_count=1)
    of_a = next(entry for entry in result.usage if entry.model_id == "a")
    assert of_a.status == status
    assert "a" not in {answer.model_id for answer in result.layers[0].answers}
    assert "a" not in {assessment.model_id for assessment in result.layers[0].assessments}
    assert result.answer.model_id == "b"
    assert "a says" not in result.answer.text


@pytest.mark.parametrize("kind", [FaultKind.HANG, FaultKind.STALL])
async def test_nobody_waits_for_a_model_that_hangs(
    start_router: StartRouter, kind: FaultKind
) -> None:
    router = await start_router(scripts_of(*SCORES), SCORES)
    router.simulator.set_fault("a", kind)
    started_s = time.monotonic()
    await router.ask(max_layer_count=1, timeout_s=60)
    assert time.monotonic() - started_s < 60 / 5
    record = await router.simulator.wait_for_outcome("a", CallOutcome.CANCELLED)
    assert record.outcome is CallOutcome.CANCELLED


async def test_other_models_stand_in_when_the_whole_first_pick_fails(
    start_router: StartRouter,
) -> None:
    router = await start_router(scripts_of(*SCORES), SCORES)
    for model in "abc":
        router.simulator.set_fault(model, FaultKind.ERROR_500)
    result = await router.ask(max_layer_count=1)
    assert result.answer.model_id == "d"
    assert [list(layer.selected_model_ids) for layer in result.layers] == [["a", "b", "c"], ["d"]]


async def test_all_backends_down_is_an_error_that_names_them(start_router: StartRouter) -> None:
    down = {name: {"url": f"http://{CLOSED}/v1"} for name in SCORES}
    router = await start_router(scripts_of(*SCORES), SCORES, models=down)
    error = await failure(router)
    assert isinstance(error, GenerationFailedError)
    assert error.metadata["model_ids"] == "a,b,c,d"
    assert set(error.metadata["statuses"].split(",")) == {"CALL_STATUS_UNREACHABLE"}


MARGIN = Tuning(deadline_margin_s=MARGIN_MS / 1000)


async def test_a_key_file_that_turns_bad_costs_its_model_and_not_the_layer(
    start_router: StartRouter, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("sk-1")
    keyed = {"a": {"api_key_file": str(key)}}
    router = await start_router(scripts_of(*SCORES), SCORES, models=keyed)
    key.write_text("# production key\nsk-1\n")
    result = await router.ask(max_layer_count=1)
    assert result.answer.model_id == "b"
    of_a = next(entry for entry in result.usage if entry.model_id == "a")
    assert of_a.status == pb.CALL_STATUS_UNREACHABLE
    assert of_a.backend_message.startswith("api_key_file: has more than one line")


async def test_all_backends_hanging_ends_in_time(start_router: StartRouter) -> None:
    router = await start_router(scripts_of(*SCORES), SCORES, tuning=MARGIN)
    for model in SCORES:
        router.simulator.set_fault(model, FaultKind.HANG)
    error = await failure(router, timeout_s=2.0)
    assert isinstance(error, AnswerTimedOutError)  # the router's, so the caller's time was not over


async def test_a_hanging_layer_leaves_time_for_the_answer_of_the_one_before(
    start_router: StartRouter,
) -> None:
    routers: list[RouterBench] = []
    asked: list[str] = []

    def script(call: Call) -> str:
        asked.append(call.model)
        if len(asked) == 3:  # the whole first layer is being answered: the next one shall hang
            for model in SCORES:
                routers[0].simulator.set_fault(model, FaultKind.HANG)
        return call.assessed(f"{call.model} says eight", self_score=0.5)

    routers.append(await start_router(dict.fromkeys(SCORES, script), SCORES, tuning=MARGIN))
    result = await routers[0].ask(max_layer_count=2, stopping_score=1.0, timeout_s=3.0)
    assert result.answer.text == "a says eight"
    assert [bool(layer.answers) for layer in result.layers][:2] == [True, False]
    statuses = {entry.status for entry in result.layers[1].usage}
    assert statuses == {pb.CALL_STATUS_TIMEOUT}


async def test_a_scorer_that_is_down_is_replaced_by_the_pools_priors(
    start_router: StartRouter,
) -> None:
    priors = {"c": {"prior_score": 0.9}, "b": {"prior_score": 0.8}}
    router = await start_router(
        scripts_of(*SCORES), SCORES, models=priors, scorer_address=CLOSED, dependency_timeout_s=0.5
    )
    result = await router.ask(max_layer_count=1)
    ranked = router.events[0].routing.ranked_models
    assert (ranked[0].model_id, ranked[0].score) == ("c", 0.9)
    scores = {m.model_id: m.score for m in ranked}
    assert scores["b"] == 0.8
    assert all(0.5 < scores[m] < 0.9 for m in ("a", "d"))  # guessed as the mean of the others
    fallback = result.fallbacks[0]
    assert fallback.dependency == pb.DEPENDENCY_SCORER
    assert fallback.substitute == pb.SUBSTITUTE_POOL_PRIORS
    assert fallback.reason in {pb.FALLBACK_REASON_UNAVAILABLE, pb.FALLBACK_REASON_TIMEOUT}


async def test_after_repeated_failures_a_dependency_is_not_waited_for(
    start_router: StartRouter, serve: Serve
) -> None:
    config = ScorerServiceConfig(listen_address=LOOPBACK)
    router = await start_router(
        scripts_of("a", "b"),
        SCORES,
        scorer_address=await serve(config, hanging_scorer_app(HangingScorer())),
        dependency_timeout_s=1.0,
        tuning=Tuning(breaker_failure_limit=1),
    )
    results = [await router.ask(max_layer_count=1) for _ in range(2)]
    first, second = (result.fallbacks[0].reason for result in results)
    assert (first, second) == (pb.FALLBACK_REASON_TIMEOUT, pb.FALLBACK_REASON_BREAKER_OPEN)
    waited, not_waited = (r.timing.scorer_duration.ToTimedelta() for r in results)
    assert not_waited < waited / 2


async def test_a_judge_that_is_down_leaves_the_prior_scores(start_router: StartRouter) -> None:
    router = await start_router(scripts_of(*SCORES), SCORES, judge=CLOSED, dependency_timeout_s=0.5)
    result = await router.ask(max_layer_count=1)
    posteriors = {a.model_id: a.posterior_score for a in result.layers[0].assessments}
    assert posteriors == {"a": 0.7, "b": 0.65, "c": 0.6}
    assert result.fallbacks[0].dependency == pb.DEPENDENCY_JUDGE
    assert result.fallbacks[0].substitute == pb.SUBSTITUTE_PRIOR_SCORES


async def test_an_aggregator_that_dies_midstream_voids_what_it_said(
    start_router: StartRouter,
) -> None:
    router = await start_router(
        {**scripts_of(*SCORES), "merger": scripts_of("merger")["merger"]},
        {**SCORES, "merger": 0.0},
        aggregator="merger",
    )
    router.simulator.set_fault("merger", FaultKind.DIE_MIDSTREAM)
    result = await router.ask(max_layer_count=1)
    assert any(event.HasField("reset") for event in router.events)
    assert router.shown == result.answer.text
    assert result.answer.model_id == "a"
    statuses = [e.status for e in result.usage if e.purpose == pb.CALL_PURPOSE_AGGREGATION]
    assert statuses == [pb.CALL_STATUS_INTERRUPTED, pb.CALL_STATUS_OK]


async def test_the_best_answer_stands_in_when_no_aggregator_works(
    start_router: StartRouter,
) -> None:
    def script(call: Call) -> str:
        if call.purpose is Purpose.AGGREGATION:
            return ""
        return call.assessed(f"{call.model} says eight", self_score=0.5)

    router = await start_router(dict.fromkeys(SCORES, script), SCORES)
    result = await router.ask(max_layer_count=1)
    assert router.shown == result.answer.text == "a says eight"
    fallback = result.fallbacks[0]
    assert fallback.dependency == pb.DEPENDENCY_AGGREGATOR
    assert fallback.substitute == pb.SUBSTITUTE_BEST_ANSWER
    assert fallback.reason == pb.FALLBACK_REASON_EMPTY


async def test_a_lone_model_that_dies_midstream_is_replaced_by_the_next(
    start_router: StartRouter,
) -> None:
    router = await start_router(scripts_of(*SCORES), SCORES)
    router.simulator.set_fault("a", FaultKind.DIE_MIDSTREAM)
    result = await router.ask(max_layer_count=1, max_layer_model_count=1)
    assert any(event.HasField("reset") for event in router.events)
    assert result.answer.model_id == "b"
    assert router.shown == result.answer.text
