"""What keeps a layer from waiting for its slowest model: drafts, stand-ins, writers that take over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from routemoa.v1 import router_service_pb2 as pb
from services.router.tuning import Tuning
from services.simulator import CallOutcome, FaultKind, Pacing, Purpose

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.simulator import Call, CallRecord
    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.7, "b": 0.68, "c": 0.66, "d": 0.65, "merger": 0.1}
LAYER = ["a", "b", "c"]
SAMPLES = 20
"""Calls after which it is known how long a model takes to begin."""


def saying(**texts: str) -> dict[str, Callable[[Call], str]]:
    def script(model: str) -> Callable[[Call], str]:
        def reply(call: Call) -> str:
            if call.purpose is Purpose.AGGREGATION:
                return f"merged by {model}: " + "; ".join(r.text for r in call.references)
            return call.assessed(texts.get(model, "idle"), self_score=0.6)

        return reply

    return {model: script(model) for model in SCORES}


def of(router: RouterBench, model: str, purpose: Purpose) -> CallRecord:
    (record,) = [r for r in router.simulator.calls if (r.model, r.purpose) == (model, purpose)]
    return record


def statuses(result: pb.GenerateAnswerResponse, model: str) -> list[str]:
    return [pb.CallStatus.Name(e.status)[12:] for e in result.usage if e.model_id == model]


async def test_a_draft_that_a_late_majority_overturns_is_cancelled_and_booked(
    start_router: StartRouter,
) -> None:
    router = await start_router(
        saying(a="8", b="9", c="9"),
        SCORES,
        aggregator="merger",
        pacing=Pacing(slow_start_s=1.5),
        tuning=Tuning(grace_share=1000.0),
    )
    router.simulator.set_fault("c", FaultKind.SLOW_START)
    router.simulator.set_fault("merger", FaultKind.HANG)
    result = await router.ask(max_layer_count=1, model_ids=[*LAYER, "merger"])
    draft = await router.simulator.wait_for_outcome("merger", CallOutcome.CANCELLED)
    late = of(router, "c", Purpose.PROPOSAL)
    assert late.ended_s is not None
    assert draft.started_s < late.ended_s
    assert result.answer.text == router.shown == "9"
    assert statuses(result, "merger") == ["CANCELLED"]
    assert not result.fallbacks


async def test_a_draft_that_nobody_overturns_is_the_answer(start_router: StartRouter) -> None:
    router = await start_router(
        saying(a="8", b="9", c="9"), SCORES, aggregator="merger", tuning=Tuning(grace_share=50.0)
    )
    router.simulator.set_fault("c", FaultKind.HANG)
    result = await router.ask(max_layer_count=1, model_ids=[*LAYER, "merger"])
    cancelled = await router.simulator.wait_for_outcome("c", CallOutcome.CANCELLED)
    draft = of(router, "merger", Purpose.AGGREGATION)
    assert cancelled.ended_s is not None
    assert draft.ended_s is not None
    assert draft.ended_s < cancelled.ended_s
    assert result.answer.text == router.shown == "merged by merger: 8; 9"
    assert statuses(result, "merger") == ["OK"]
    assert statuses(result, "c") == ["CANCELLED"]


async def test_one_draft_is_begun_however_many_answer_after_the_quorum(
    start_router: StartRouter,
) -> None:
    router = await start_router(
        saying(a="5", b="6", c="7", d="8"),
        SCORES,
        aggregator="merger",
        pacing=Pacing(slow_start_s=0.8),
        tuning=Tuning(grace_share=1000.0),  # so that the deadline ends the grace period
    )
    router.simulator.set_fault("d", FaultKind.SLOW_START)
    router.simulator.set_fault("merger", FaultKind.HANG)
    await router.ask(max_layer_count=1, max_layer_model_count=5, max_score_gap=1.0, timeout_s=5.0)
    merges = [r for r in router.simulator.calls if r.purpose is Purpose.AGGREGATION]
    late = of(router, "d", Purpose.PROPOSAL)
    assert late.ended_s is not None
    drafts = [merge for merge in merges if merge.started_s < late.ended_s + 0.3]
    assert [draft.model for draft in drafts] == ["merger"]
    assert all(merge.outcome is not CallOutcome.RUNNING for merge in merges)


@pytest.mark.parametrize(
    ("texts", "policy"),
    [
        pytest.param({"a": "Spiders walk.", "b": "Eight of them."}, {}, id="nothing to decide"),
        pytest.param({"a": "8", "b": "9"}, {"max_layer_count": 2}, id="another layer follows"),
        pytest.param({"a": "8", "b": "9"}, {"max_call_count": 3}, id="no room"),
    ],
)
async def test_no_draft_is_begun_where(
    start_router: StartRouter, texts: dict[str, str], policy: dict[str, Any]
) -> None:
    router = await start_router(
        saying(c="a text", **texts), SCORES, aggregator="merger", tuning=Tuning(grace_share=50.0)
    )
    router.simulator.set_fault("c", FaultKind.HANG)
    settings: dict[str, Any] = {"max_layer_count": 1, "stopping_score": 1.0, **policy}
    await router.ask(model_ids=[*LAYER, "merger"], **settings)
    late = await router.simulator.wait_for_outcome("c", CallOutcome.CANCELLED)
    assert late.ended_s is not None
    merges = [r for r in router.simulator.calls if r.purpose is Purpose.AGGREGATION]
    assert all(merge.started_s >= late.ended_s for merge in merges)


async def test_a_model_that_is_silent_for_longer_than_usual_gets_a_stand_in(
    start_router: StartRouter,
) -> None:
    router = await start_router(
        saying(a="8", b="9", c="7", d="9"),
        SCORES,
        aggregator="merger",
        tuning=Tuning(grace_share=1000.0),
    )
    for _ in range(SAMPLES):
        await router.ask(max_layer_count=1)
    router.simulator.set_fault("c", FaultKind.HANG)
    result = await router.ask(max_layer_count=1)
    assert result.answer.text == "9"
    assert statuses(result, "d") == ["OK"]
    assert statuses(result, "c") == ["CANCELLED"]
    (layer,) = result.layers
    assert {answer.model_id for answer in layer.answers} == {"a", "b", "d"}


async def test_stand_ins_are_a_share_of_the_calls(start_router: StartRouter) -> None:
    router = await start_router(
        saying(a="8", b="9", c="7", d="9"),
        SCORES,
        aggregator="merger",
        tuning=Tuning(grace_share=10.0),
        backup_share=0.05,
    )
    for _ in range(SAMPLES):
        await router.ask(max_layer_count=1)
    router.simulator.set_fault("c", FaultKind.HANG)
    results = [await router.ask(max_layer_count=1) for _ in range(10)]
    called = sum(len(statuses(result, "d")) for result in results)
    assert 1 <= called <= 0.05 * 3 * (SAMPLES + len(results))


async def test_another_writer_takes_over_from_one_that_is_silent_for_longer_than_usual(
    start_router: StartRouter,
) -> None:
    router = await start_router(saying(a="8", b="9", c="7"), SCORES, aggregator="merger")
    for _ in range(SAMPLES):
        await router.ask(max_layer_count=1)
    router.simulator.set_fault("merger", FaultKind.HANG)
    result = await router.ask(max_layer_count=1, timeout_s=20.0)
    assert result.answer.text == router.shown
    assert result.answer.text.startswith("merged by a: ")
    assert statuses(result, "merger") == ["TIMEOUT"]
    assert result.timing.total_duration.ToSeconds() < 5  # half the deadline would be ten
