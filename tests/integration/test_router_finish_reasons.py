"""Answers end as they ended: the finish reason reaches the caller, and nothing cut off seems whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from routemoa.errors import GenerationFailedError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.simulator import Call, FaultKind, Purpose
from tests.wire.playback import Response, playing
from tests.wire.transcript import End

if TYPE_CHECKING:
    from tests.integration.conftest import StartRouter

LEGS = "A spider has eight legs, " * 8
SCORES = {"a": 0.7, "b": 0.65}


def event(delta: object, finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return b"data: %b\n\n" % json.dumps({"choices": [choice]}).encode()


def script(call: Call) -> str:
    if call.purpose is Purpose.AGGREGATION:
        return "Merged: eight."
    return call.assessed(f"{call.model}: {LEGS}", self_score=0.6)


async def test_a_reply_whose_connection_stays_open_is_answered_at_its_finish_reason(
    start_router: StartRouter,
) -> None:
    body = event({"content": "Eight legs."}) + event({}, "stop")
    async with playing(Response(body=body, end=End.OPEN)) as backend:
        models = {"a": {"url": backend.url}}
        router = await start_router({"a": ""}, {"a": 0.9}, models=models)
        result = await router.ask(strategy="single", timeout_s=60)
    assert router.shown == result.answer.text == "Eight legs."
    assert not any(event.HasField("reset") for event in router.events)
    assert result.answer.finish_reason == model_pb2.FINISH_REASON_STOP
    assert result.timing.total_duration.ToSeconds() < 30


async def test_a_refusal_is_an_answer_with_its_reason(start_router: StartRouter) -> None:
    body = event({"content": "", "refusal": "I will not say."}) + event({}, "stop")
    async with playing(Response(body=body + b"data: [DONE]\n\n")) as backend:
        models = {"a": {"url": backend.url}}
        router = await start_router({"a": ""}, {"a": 0.9}, models=models)
        result = await router.ask()
    assert router.shown == result.answer.text == ""
    assert "".join(e.delta.refusal for e in router.events) == "I will not say."
    assert result.answer.refusal == "I will not say."
    assert result.answer.finish_reason == model_pb2.FINISH_REASON_REFUSAL
    assert result.usage[0].status == pb.CALL_STATUS_OK
    assert result.usage[0].finish_reason == model_pb2.FINISH_REASON_REFUSAL


@pytest.mark.parametrize("strategy", ["single", "routemoa"])
async def test_an_answer_that_the_token_limit_cuts_says_so(
    start_router: StartRouter, strategy: str
) -> None:
    router = await start_router({"a": script}, {"a": 0.9}, models={"a": {"max_reply_tokens": 9}})
    result = await router.ask(strategy=strategy, max_layer_count=1)
    assert result.answer.finish_reason == model_pb2.FINISH_REASON_LENGTH
    assert [entry.finish_reason for entry in result.usage] == [model_pb2.FINISH_REASON_LENGTH]


async def test_an_answer_that_was_cut_off_is_worth_less_than_a_complete_one(
    start_router: StartRouter,
) -> None:
    router = await start_router(
        dict.fromkeys(SCORES, script), SCORES, models={"a": {"max_reply_tokens": 9}}
    )
    result = await router.ask(max_layer_count=1, max_layer_model_count=2)
    (layer,) = result.layers
    posterior = {item.model_id: item.posterior_score for item in layer.assessments}
    assert posterior["a"] == pytest.approx(0.7 / 2)
    assert posterior["b"] > posterior["a"]
    assert [answer.model_id for answer in layer.answers] == ["b", "a"]


async def test_the_best_answer_that_stands_in_for_the_aggregator_is_a_complete_one(
    start_router: StartRouter,
) -> None:
    def no_merge(call: Call) -> str:
        return "" if call.purpose is Purpose.AGGREGATION else f"{call.model}: {LEGS}"

    router = await start_router(
        dict.fromkeys(SCORES, no_merge),
        SCORES,
        models={"a": {"max_reply_tokens": 9}},
        judge="127.0.0.1:1",  # nothing listens here, so that the priors order the answers
    )
    result = await router.ask(max_layer_count=1, max_layer_model_count=2)
    assert [answer.model_id for answer in result.layers[0].answers] == ["a", "b"]
    assert result.answer.model_id == "b"
    assert router.shown == f"b: {LEGS}".strip()


async def test_a_filtered_answer_is_replaced_by_another_models(start_router: StartRouter) -> None:
    router = await start_router(dict.fromkeys(SCORES, script), SCORES)
    router.simulator.set_fault("a", FaultKind.FILTERED)
    result = await router.ask(strategy="single")
    assert result.answer.model_id == "b"
    assert router.shown == result.answer.text
    filtered = result.usage[0]
    assert filtered.status == pb.CALL_STATUS_REJECTED
    assert filtered.finish_reason == model_pb2.FINISH_REASON_CONTENT_FILTER
    assert filtered.cost_usd > 0


async def test_ill_formed_text_costs_no_layer_its_answers(start_router: StartRouter) -> None:
    body = event({"content": "Acht \ud83d"}) + event({"content": "\udd77 \ud83d\0"}, "stop")
    async with playing(Response(body=body + b"data: [DONE]\n\n")) as backend:
        models = {"a": {"url": backend.url}}
        router = await start_router(
            dict.fromkeys(SCORES, script), SCORES, models=models, aggregator="b"
        )
        result = await router.ask(max_layer_count=1, max_layer_model_count=2)
    texts = {answer.model_id: answer.text for answer in result.layers[0].answers}
    assert texts["a"] == "Acht \U0001f577 \ufffd\ufffd"
    assert texts["b"] == f"b: {LEGS}".strip()
    assert result.answer.text == "Merged: eight."


async def test_what_a_backend_says_about_a_failure_reaches_the_caller(
    start_router: StartRouter,
) -> None:
    body = b'{"error":{"message":"temperature\\nis not supported"}}'
    async with playing(Response(body=body, http_status=400)) as backend:
        models = {"a": {"url": backend.url}}
        router = await start_router(dict.fromkeys(SCORES, script), SCORES, models=models)
        result = await router.ask(strategy="single")
    assert result.answer.model_id == "b"
    assert result.usage[0].backend_message == "400: temperature is not supported"


async def test_a_reply_of_nothing_but_tool_calls_is_no_answer(start_router: StartRouter) -> None:
    call = {"index": 0, "function": {"name": "count_legs", "arguments": "{}"}}
    body = event({"content": None, "tool_calls": [call]}) + event({}, "tool_calls")
    async with playing(Response(body=body)) as backend:
        models = {"a": {"url": backend.url}}
        router = await start_router({"a": ""}, {"a": 0.9}, models=models)
        with pytest.raises(Exception, match="failed") as caught:
            await router.ask(strategy="single")
    error = from_rpc_error(caught.value)  # type: ignore[arg-type]
    assert isinstance(error, GenerationFailedError)
    assert error.metadata["statuses"] == "CALL_STATUS_EMPTY"
