"""What answers say of each other: when one more call is worth it, and when layers end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.v1 import router_service_pb2 as pb
from services.simulator import FaultKind
from tests.integration.speakers import answering, called, speaker

if TYPE_CHECKING:
    from services.simulator import Call
    from tests.integration.conftest import StartRouter
    from tests.scripted_answers import Script

SCORES = {"a": 0.7, "b": 0.65, "c": 0.6, "d": 0.1}
SCRIPTS = dict.fromkeys(SCORES, speaker)
DEAR = {"a": {"completion_price_usd_per_million_tokens": 100.0}}


async def test_cascade_takes_a_cheap_answer_that_a_witness_confirms(
    start_router: StartRouter,
) -> None:
    scripts = {"a": answering("9"), "b": answering("8"), "c": answering("8")}
    scores = {"a": 0.8, "b": 0.7, "c": 0.68}
    router = await start_router(scripts, scores, models=DEAR)
    result = await router.ask(strategy="cascade", cost_weight=0.3)
    assert "a" not in called(result)
    assert result.answer.text == router.shown == "8"
    assert result.stop_reason == pb.STOP_REASON_NO_GAIN
    assert all(len(layer.selected_model_ids) == 1 for layer in result.layers)


async def test_cascade_asks_the_dear_model_when_cheap_ones_contradict_each_other(
    start_router: StartRouter,
) -> None:
    scripts = {"a": answering("9", 0.95), "b": answering("8"), "c": answering("7")}
    scores = {"a": 0.95, "b": 0.7, "c": 0.65}
    router = await start_router(scripts, scores, models=DEAR)
    result = await router.ask(strategy="cascade", cost_weight=0.27, latency_weight=0.0)
    assert called(result)[-1] == "a"
    assert len(called(result)) == 3
    assert result.answer.text == "9"


async def test_cascade_asks_no_model_with_the_answers_of_others(
    start_router: StartRouter,
) -> None:
    read: list[int] = []

    def counting(text: str) -> Script:
        def script(call: Call) -> str:
            read.append(len(call.references))
            return call.assessed(text, self_score=0.2)

        return script

    scripts = {"a": counting("1"), "b": counting("2"), "c": counting("3")}
    router = await start_router(scripts, {"a": 0.6, "b": 0.6, "c": 0.6})
    await router.ask(strategy="cascade", cost_weight=0.0, latency_weight=0.0)
    assert len(read) > 1
    assert not any(read)


async def test_a_cascade_of_open_answers_goes_by_scores_and_streams_the_last(
    start_router: StartRouter,
) -> None:
    router = await start_router(SCRIPTS, SCORES)
    result = await router.ask(strategy="cascade", max_layer_count=1)
    assert called(result) == ["a"]
    assert not result.layers[0].assessments
    assert any(event.HasField("delta") for event in router.events)


async def test_a_majority_settles_a_layer_whatever_a_model_says_of_itself(
    start_router: StartRouter,
) -> None:
    scripts = {
        "a": answering("I think that the answer is (C)."),
        "b": answering("Let us see: the answer is (B)."),
        "c": answering("The answer is (B), for sure.", 0.9),
    }
    router = await start_router(scripts, {"a": 0.65, "b": 0.64, "c": 0.63})
    result = await router.ask(max_layer_count=3, stopping_score=1.0)
    assert len(result.usage) == 3
    assert result.stop_reason == pb.STOP_REASON_AGREEMENT
    assert result.answer.text == "Let us see: the answer is (B)."


async def test_nobody_waits_for_a_model_that_could_not_overturn_a_majority(
    start_router: StartRouter,
) -> None:
    scripts = dict.fromkeys("abc", answering("The answer is (B)."))
    # A quorum of all would wait for the silent model until the deadline.
    router = await start_router(scripts, {"a": 0.65, "b": 0.64, "c": 0.63}, quorum_share=1.0)
    router.simulator.set_fault("c", FaultKind.HANG)
    result = await router.ask(stopping_score=1.0)
    assert result.stop_reason == pb.STOP_REASON_AGREEMENT
    statuses = {entry.model_id: entry.status for entry in result.usage}
    assert statuses["c"] == pb.CALL_STATUS_CANCELLED


async def test_a_stronger_model_is_waited_for(start_router: StartRouter) -> None:
    scripts = {"a": answering("9", 0.97), "b": answering("8"), "c": answering("8")}
    scores = {"a": 0.97, "b": 0.55, "c": 0.55}
    router = await start_router(scripts, scores, quorum_share=1.0)
    router.simulator.set_fault("a", FaultKind.SLOW_START)
    result = await router.ask(max_layer_count=1, max_score_gap=0.5)
    assert "9" in {answer.text for answer in result.layers[0].answers}


async def test_one_strong_model_is_not_outvoted_by_weak_ones(start_router: StartRouter) -> None:
    scripts = {"a": answering("9", 0.95), "b": answering("8"), "c": answering("8")}
    router = await start_router(scripts, {"a": 0.95, "b": 0.55, "c": 0.55})
    result = await router.ask(max_layer_count=1, max_score_gap=0.5)
    purposes = [entry.purpose for entry in result.usage]
    assert purposes[-1] == pb.CALL_PURPOSE_AGGREGATION


async def test_an_ambiguous_query_cannot_make_the_layers_oscillate(
    start_router: StartRouter,
) -> None:
    # All grade all the same, so that no layer says anything new of any model.
    def same(call: Call) -> str:
        grades = {reference.label: 0.5 for reference in call.references}
        return call.assessed(f"{call.model} says 8", self_score=0.5, grades=grades)

    scores = {"a": 0.5, "b": 0.5, "c": 0.5, "d": 0.5}
    router = await start_router(dict.fromkeys(scores, same), scores)
    result = await router.ask(max_layer_count=5, stopping_score=1.0, max_call_count=30)
    assert len(result.layers) == 2
    assert result.stop_reason == pb.STOP_REASON_NO_GAIN
    first, second = (list(layer.selected_model_ids) for layer in result.layers)
    assert first == second


async def test_a_model_does_not_run_again_to_read_its_own_answer_alone(
    start_router: StartRouter,
) -> None:
    router = await start_router(SCRIPTS, SCORES)
    result = await router.ask(max_layer_model_count=1, max_layer_count=3, stopping_score=1.0)
    assert [layer.selected_model_ids[0] for layer in result.layers] == ["a", "b"]
    assert result.answer.text == "b says 8 after a"
