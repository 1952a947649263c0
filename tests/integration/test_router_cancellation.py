"""A caller that goes away: everything done for it ends at once, and what was used is billed.

`python -m tests.bench.bench_deadlines` measures how soon.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import REGISTRY

from routemoa.v1 import router_service_pb2 as pb
from services.judge.config import JudgeServiceConfig
from services.scorer.config import ScorerServiceConfig
from services.simulator import Call, CallOutcome, FaultKind, Purpose
from tests.conftest import LOOPBACK, Serve
from tests.integration.hanging import (
    Hanging,
    HangingJudge,
    HangingScorer,
    hanging_judge_app,
    hanging_scorer_app,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.7, "b": 0.65, "c": 0.6, "d": 0.2, "merger": 0.0}
TIMEOUT_S = 30
AT_ONCE_S = TIMEOUT_S / 10
"""What a busy machine may take; without the cancellation, all would go on for the time of the call."""


def speaker(call: Call) -> str:
    text = f"{call.model} says eight " + "indeed " * 40
    return text if call.purpose is Purpose.AGGREGATION else call.assessed(text, self_score=0.6)


SCRIPTS = dict.fromkeys(SCORES, speaker)


async def leave_when(
    router: RouterBench, ready: Callable[[], Awaitable[Any]], **policy: Any
) -> float:
    """Asks, goes away as soon as `ready` returns, and returns when that was."""
    request = pb.StreamAnswerRequest(
        messages=[{"role": 2, "content": "Legs?"}],  # type: ignore[list-item]
        policy=pb.RoutingPolicy(**policy),
    )
    call = router.stub.StreamAnswer(request, timeout=TIMEOUT_S)

    async def watch() -> None:
        async for _ in call:
            pass

    watching = asyncio.create_task(watch())
    await ready()
    left_s = time.monotonic()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    return left_s


@pytest.mark.parametrize(
    ("stalling", "policy"),
    [
        ("abc", {"max_layer_model_count": 3}),
        (["merger"], {"max_layer_model_count": 3}),
        ("a", {"max_layer_model_count": 1}),
        ("a", {"strategy": "single"}),
        ("abcd", {"strategy": "moa", "model_ids": list("abcd")}),
        ("a", {"strategy": "self-moa"}),
        (["merger"], {"strategy": "smoa", "model_ids": ["a", "b", "merger"]}),
        ("a", {"strategy": "cascade"}),
    ],
    ids=["layer", "aggregation", "pass-through", "single", "moa", "self-moa", "smoa", "cascade"],
)
@pytest.mark.parametrize("kind", [FaultKind.HANG, FaultKind.STALL])
async def test_a_caller_that_goes_away_cancels_every_call(
    start_router: StartRouter, stalling: str | list[str], policy: dict[str, Any], kind: FaultKind
) -> None:
    router = await start_router(SCRIPTS, SCORES, aggregator="merger")
    for name in stalling:
        router.simulator.set_fault(name, kind)

    async def all_stall() -> None:
        await router.simulator.wait_for_calls(
            lambda calls: (
                {c.model for c in calls if c.outcome is CallOutcome.RUNNING} == set(stalling)
            )
        )

    left_s = await leave_when(router, all_stall, **{"max_layer_count": 1, **policy})
    records = await router.simulator.wait_for_calls(
        lambda calls: all(c.outcome is not CallOutcome.RUNNING for c in calls)
    )
    cancelled = [record for record in records if record.outcome is CallOutcome.CANCELLED]
    assert {record.model for record in cancelled} == set(stalling)
    assert max(record.ended_s or 0 for record in cancelled) - left_s < AT_ONCE_S


@pytest.mark.parametrize("waiting_for", ["scorer", "judge"])
async def test_a_caller_that_goes_away_cancels_what_it_waits_for(
    start_router: StartRouter, serve: Serve, waiting_for: str
) -> None:
    dependency: Hanging
    if waiting_for == "scorer":
        dependency = HangingScorer()
        config = ScorerServiceConfig(listen_address=LOOPBACK)
        address = await serve(config, hanging_scorer_app(dependency))
        router = await start_router(
            SCRIPTS, SCORES, scorer_address=address, dependency_timeout_s=60
        )
    else:
        dependency = HangingJudge()
        judge_config = JudgeServiceConfig(listen_address=LOOPBACK)
        address = await serve(judge_config, hanging_judge_app(dependency))
        router = await start_router(SCRIPTS, SCORES, judge=address, dependency_timeout_s=60)
    left_s = await leave_when(router, dependency.called.wait)
    await asyncio.wait_for(dependency.cancelled.wait(), timeout=TIMEOUT_S)
    assert dependency.cancelled_s - left_s < AT_ONCE_S
    assert all(record.outcome is CallOutcome.COMPLETED for record in router.simulator.calls)


async def test_what_a_cancelled_call_used_is_billed(start_router: StartRouter) -> None:
    router = await start_router({"billed": speaker}, {"billed": 0.7})
    router.simulator.set_fault("billed", FaultKind.STALL)
    shown = asyncio.Event()
    request = pb.StreamAnswerRequest(
        messages=[{"role": 2, "content": "Legs?"}]  # type: ignore[list-item]
    )
    call = router.stub.StreamAnswer(request, timeout=TIMEOUT_S)

    async def watch() -> None:
        async for event in call:
            if event.delta.text:
                shown.set()

    watching = asyncio.create_task(watch())
    await shown.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    await router.simulator.wait_for_outcome("billed", CallOutcome.CANCELLED)
    cancelled = {"model_id": "billed", "status": "CANCELLED"}
    async with asyncio.timeout(TIMEOUT_S):
        while not REGISTRY.get_sample_value(  # noqa: ASYNC110  # a counter wakes nobody
            "routemoa_router_model_calls_total", cancelled
        ):
            await asyncio.sleep(0.01)
    cost_usd = REGISTRY.get_sample_value("routemoa_router_cost_usd_total", {"model_id": "billed"})
    # Half of the answer was written, at 2 USD per million tokens: more than the prompt alone costs.
    assert cost_usd is not None
    assert cost_usd > 60e-6
