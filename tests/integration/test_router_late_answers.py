"""Models that need most of the caller's time: what is still written in time is the answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest

from routemoa.errors import AnswerTimedOutError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import router_service_pb2 as pb
from services.router.strategies.registry import STRATEGIES
from services.router.tuning import Tuning
from services.simulator import Call, CallOutcome, FaultKind, Pacing, Purpose
from tests.pace import PACE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.7, "b": 0.65, "c": 0.6, "d": 0.1}
TIMEOUT_S = 3.0 * PACE
MARGIN_S = 0.4 * PACE
"""How long before the deadline the router answers here: enough on a busy machine."""
TIME_S = TIMEOUT_S - MARGIN_S
SLOW_S = 0.8 * TIME_S
ALL = frozenset(SCORES)


def speaker(call: Call) -> str:
    if call.purpose is Purpose.AGGREGATION:
        return f"merged by {call.model}"
    return call.assessed(f"{call.model} says " + "eight " * 20, self_score=0.5)


async def started(
    start_router: StartRouter,
    *,
    slow: Iterable[str] = (),
    hanging: Iterable[str] = (),
    stalling: Iterable[str] = (),
    scripts: dict[str, Any] | None = None,
    **settings: Any,
) -> RouterBench:
    scripts = scripts or dict.fromkeys(SCORES, speaker)
    router = await start_router(
        scripts,
        dict.fromkeys(scripts, 0.0) | SCORES,
        pacing=Pacing(slow_start_s=SLOW_S),
        tuning=Tuning(deadline_margin_s=MARGIN_S),
        **settings,
    )
    faults = {
        FaultKind.SLOW_START: slow,
        FaultKind.HANG: hanging,
        FaultKind.STALL: stalling,
    }
    for kind, models in faults.items():
        for model in models:
            router.simulator.set_fault(model, kind)
    return router


async def failure(router: RouterBench, **policy: Any) -> tuple[Exception, float]:
    """Returns the error of an answer, and after how long it came."""
    started_s = time.monotonic()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await router.ask(timeout_s=TIMEOUT_S, **policy)
    return from_rpc_error(caught.value), time.monotonic() - started_s


async def every_call_is_booked_once(router: RouterBench, result: pb.GenerateAnswerResponse) -> None:
    assert result.cost_usd == pytest.approx(sum(entry.cost_usd for entry in result.usage))
    calls = await router.simulator.wait_for_calls(
        lambda records: all(record.outcome is not CallOutcome.RUNNING for record in records)
    )
    assert sorted(entry.model_id for entry in result.usage) == sorted(c.model for c in calls)


def statuses(result: pb.GenerateAnswerResponse, models: Iterable[str]) -> set[str]:
    return {pb.CallStatus.Name(e.status)[12:] for e in result.usage if e.model_id in models}


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_models_that_need_most_of_the_time_answer(
    start_router: StartRouter, strategy: str
) -> None:
    router = await started(start_router, slow=ALL)
    result = await router.ask(timeout_s=TIMEOUT_S, strategy=strategy, max_score_gap=0.2)
    assert "says eight" in result.answer.text
    assert router.shown == result.answer.text
    await every_call_is_booked_once(router, result)


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_slow_models_answer_though_the_next_ones_hang(
    start_router: StartRouter, strategy: str
) -> None:
    first = "a" if strategy in {"routemoa", "single", "cascade", "self-moa"} else "abc"
    router = await started(start_router, slow=first, hanging=ALL - set(first))
    result = await router.ask(
        timeout_s=TIMEOUT_S, strategy=strategy, max_layer_count=1, max_layer_model_count=3
    )
    assert result.answer.model_id in first
    assert "says eight" in result.answer.text
    await every_call_is_booked_once(router, result)


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_fast_model_answers_soon_after_the_share_of_those_that_hang(
    start_router: StartRouter, strategy: str
) -> None:
    first = "a" if strategy in {"routemoa", "single", "cascade", "self-moa"} else "abc"
    router = await started(start_router, hanging=first)
    started_s = time.monotonic()
    result = await router.ask(
        timeout_s=TIMEOUT_S, strategy=strategy, max_layer_count=1, max_layer_model_count=3
    )
    assert time.monotonic() - started_s < 0.8 * TIME_S  # the share is half of it at most
    assert result.answer.model_id not in first
    assert statuses(result, first) == {"TIMEOUT"}
    await every_call_is_booked_once(router, result)


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_an_answer_fails_at_the_deadline_and_not_before(
    start_router: StartRouter, strategy: str
) -> None:
    router = await started(start_router, hanging=ALL)
    error, after_s = await failure(router, strategy=strategy)
    assert isinstance(error, AnswerTimedOutError)
    assert 0.95 * TIME_S < after_s < TIMEOUT_S + MARGIN_S
    assert set(error.metadata["statuses"].split(",")) == {"CALL_STATUS_TIMEOUT"}


async def test_further_models_are_started_again_while_nobody_answers(
    start_router: StartRouter,
) -> None:
    router = await started(start_router, hanging="abc")
    result = await router.ask(
        timeout_s=TIMEOUT_S, strategy="moa", max_layer_count=1, max_layer_model_count=1
    )
    assert result.answer.model_id == "d"
    assert [entry.model_id for entry in result.usage] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param({"max_call_count": 3}, id="calls"),
        # A full reply costs 1024 * 2 / 1e6 = 0.002048 USD, and the prompt a little.
        pytest.param({"max_cost_usd": 0.0075}, id="dollars"),
        pytest.param({"max_token_count": 4500}, id="tokens"),
        pytest.param({"model_ids": list("abc")}, id="models"),
    ],
)
async def test_further_models_keep_the_limits(
    start_router: StartRouter, limit: dict[str, Any]
) -> None:
    router = await started(start_router, hanging="abc")
    error, after_s = await failure(router, max_layer_count=1, **limit)
    assert isinstance(error, AnswerTimedOutError)
    assert error.metadata["model_ids"] == "a,b,c"
    assert after_s > 0.95 * TIME_S


async def test_a_writer_that_stalls_gives_way_to_one_that_was_slow_to_begin(
    start_router: StartRouter,
) -> None:
    router = await started(start_router, slow="a", stalling="b")
    result = await router.ask(timeout_s=TIMEOUT_S, strategy="single", model_ids=["a", "b"])
    assert result.answer.model_id == "a"
    assert any(event.HasField("reset") for event in router.events)
    assert router.shown == result.answer.text
    assert statuses(result, "b") == {"TIMEOUT"}
    await every_call_is_booked_once(router, result)


async def test_a_slow_aggregator_has_all_the_time_where_the_next_one_hangs(
    start_router: StartRouter,
) -> None:
    routers: list[RouterBench] = []
    asked: list[str] = []

    def script(call: Call) -> str:
        asked.append(call.model)
        if len(asked) == 3:  # the whole layer is being answered: whoever is called next hangs
            for model in "abc":
                routers[0].simulator.set_fault(model, FaultKind.HANG)
        return call.assessed(f"{call.model} says eight", self_score=0.5)

    scripts = {**dict.fromkeys("abc", script), "merger": speaker}
    routers.append(
        await started(start_router, slow=["merger"], scripts=scripts, aggregator="merger")
    )
    result = await routers[0].ask(timeout_s=TIMEOUT_S, max_layer_count=1)
    assert result.answer.text == routers[0].shown == "merged by merger"
    assert not result.fallbacks
    await every_call_is_booked_once(routers[0], result)
