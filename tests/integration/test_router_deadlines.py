"""The caller's time: something hangs in each phase, or the caller goes away in it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest

from routemoa.errors import AnswerTimedOutError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.judge.config import JudgeServiceConfig
from services.router.tuning import Tuning
from services.scorer.config import ScorerServiceConfig
from services.simulator import Call, FaultKind, Purpose
from tests.conftest import LOOPBACK, Serve
from tests.integration.hanging import (
    HangingJudge,
    HangingScorer,
    hanging_judge_app,
    hanging_scorer_app,
)
from tests.pace import pace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.7, "b": 0.65, "c": 0.6, "merger": 0.0}
MARGIN_MS = 1_000
"""How long before the deadline the router answers here: enough on a busy machine."""


def time_for_models(seconds: float) -> float:
    """Returns a time limit that leaves models some seconds, and more on a busy machine."""
    return MARGIN_MS / 1000 + seconds * pace()


def speaker(call: Call) -> str:
    text = f"{call.model} says eight " + "indeed " * 40
    if call.purpose is Purpose.SELECTION:
        return call.verdict(keep=["R1"])
    return call.assessed(text, self_score=0.5)


SCRIPTS = dict.fromkeys(SCORES, speaker)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Which models hang, and what is asked so that a run is in the phase then."""

    hanging: Sequence[str]
    policy: dict[str, Any]


PHASES = {
    "layer": Phase(hanging="abc", policy={"max_layer_count": 1, "model_ids": list("abc")}),
    "aggregation": Phase(hanging=["merger"], policy={"max_layer_count": 1}),
    "pass-through": Phase(hanging="a", policy={"strategy": "single"}),
    "verdict": Phase(
        hanging=["merger"], policy={"strategy": "smoa", "model_ids": ["a", "b", "c", "merger"]}
    ),
    "cascade": Phase(hanging="a", policy={"strategy": "cascade"}),
}


@pytest.fixture
async def router(start_router: StartRouter) -> RouterBench:
    return await start_router(
        SCRIPTS,
        SCORES,
        aggregator="merger",
        tuning=Tuning(deadline_margin_s=MARGIN_MS / 1000, min_stage_s=0.05),
    )


@pytest.mark.parametrize("kind", [FaultKind.HANG, FaultKind.STALL])
@pytest.mark.parametrize("phase", PHASES)
async def test_whatever_hangs_the_caller_is_answered_in_time(
    router: RouterBench, phase: str, kind: FaultKind
) -> None:
    for model in PHASES[phase].hanging:
        router.simulator.set_fault(model, kind)
    request = router.ask(timeout_s=time_for_models(0.8), **PHASES[phase].policy)
    if phase == "layer" and kind is FaultKind.HANG:  # no model that may run writes anything
        assert isinstance(await failure(request), AnswerTimedOutError)
        return
    result = await request
    assert result.answer.text
    assert router.shown == result.answer.text
    is_partial = result.answer.finish_reason == model_pb2.FINISH_REASON_DEADLINE
    assert is_partial == (phase == "layer")


async def test_a_deadline_of_a_day_is_cut(start_router: StartRouter) -> None:
    router = await start_router(SCRIPTS, SCORES, default_timeout_s=0.2)
    for model in SCORES:
        router.simulator.set_fault(model, FaultKind.HANG)
    request = router.ask(timeout_s=86_400, strategy="single")
    assert isinstance(await asyncio.wait_for(failure(request), 60), AnswerTimedOutError)


async def test_a_scorer_that_hangs_leaves_time_for_the_models(
    start_router: StartRouter, serve: Serve
) -> None:
    address = await serve(
        ScorerServiceConfig(listen_address=LOOPBACK), hanging_scorer_app(HangingScorer())
    )
    router = await start_router(
        SCRIPTS,
        SCORES,
        scorer_address=address,
        dependency_timeout_s=60,
        tuning=Tuning(deadline_margin_s=MARGIN_MS / 1000),
    )
    result = await router.ask(timeout_s=time_for_models(1.1), max_layer_count=1)
    assert result.fallbacks[0].dependency == pb.DEPENDENCY_SCORER
    assert result.answer.text


async def test_a_judge_that_hangs_leaves_time_for_the_aggregator(
    start_router: StartRouter, serve: Serve
) -> None:
    judge = HangingJudge()
    address = await serve(JudgeServiceConfig(listen_address=LOOPBACK), hanging_judge_app(judge))
    router = await start_router(
        SCRIPTS,
        SCORES,
        judge=address,
        dependency_timeout_s=60,
        tuning=Tuning(deadline_margin_s=MARGIN_MS / 1000),
    )
    result = await router.ask(timeout_s=time_for_models(1.1), max_layer_count=1)
    assert result.fallbacks[0].dependency == pb.DEPENDENCY_JUDGE
    assert result.usage[-1].purpose == pb.CALL_PURPOSE_AGGREGATION


async def failure(request: Any) -> Exception:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await request
    return from_rpc_error(caught.value)
