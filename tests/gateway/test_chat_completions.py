"""Chat completions over HTTP: replies, streams, names of models and RouteMoA's extension."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest

from routemoa.v1 import generation_pb2, model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.gateway import models
from tests.gateway.scripted_router import (
    MODELS,
    ScriptedRouter,
    delta,
    reset,
    result,
    routing,
    sending,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.gateway.conftest import Front, StartFront

LOOKUP = model_pb2.ToolCall(tool_call_id="call_1", name="lookup", arguments_json='{"q":"spider"}')
TOKEN = model_pb2.TokenLogProbability(
    token="Eight",
    log_probability=-0.1,
    alternatives=[model_pb2.TokenLogProbability(token="Six", log_probability=-3.0)],
)


async def test_a_reply_has_the_answer_the_tokens_of_all_calls_and_the_routing(
    front: Front,
) -> None:
    reply = await front.chat()
    assert reply.status == 200
    body = reply.json
    assert body["object"] == "chat.completion"
    assert body["id"].startswith("chatcmpl-")
    assert body["model"] == "routemoa"
    [choice] = body["choices"]
    assert choice["message"]["content"] == "Eight legs. \N{SPIDER}"
    assert choice["message"]["role"] == "assistant"
    assert choice["finish_reason"] == "stop"
    assert body["usage"]["prompt_tokens"] == 80
    assert body["usage"]["completion_tokens"] == 40
    assert body["usage"]["total_tokens"] == 120
    assert body["usage"]["prompt_tokens_details"]["cached_tokens"] == 16
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] == 6
    report = body["routemoa"]
    assert report["decision_id"] == "decision-1"
    assert report["model"] == MODELS[1]
    assert report["stop_reason"] == "agreement"
    assert report["cost_usd"] == 0.0008
    assert report["answer_usage"] == {"prompt_tokens": 40, "completion_tokens": 20}
    assert [call["model"] for call in report["calls"]] == list(MODELS)
    assert report["layers"][0]["ranking"][0]["reason"] == "rank"


async def test_a_reply_has_the_short_form_of_the_routing_in_its_headers(front: Front) -> None:
    whole, streamed = await front.chat(), await front.chat(stream=True)
    assert whole.headers["x-routemoa-model"] == MODELS[1]
    assert whole.headers["x-routemoa-strategy"] == "routemoa"
    assert whole.headers["x-routemoa-cost-usd"] == "0.0008"
    assert whole.headers["x-routemoa-decision-id"] == "decision-1"
    assert whole.headers["x-routemoa-layers"] == "1"
    assert streamed.headers["x-routemoa-models"] == ",".join(MODELS)
    assert streamed.headers["x-routemoa-uncertainty"] == "0.250"


async def test_a_stream_has_a_role_the_text_an_end_and_the_routing(front: Front) -> None:
    reply = await front.chat(stream=True)
    assert reply.headers["content-type"].startswith("text/event-stream")
    *chunks, done = reply.events
    assert done == "[DONE]"
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    choices = [chunk["choices"][0] for chunk in chunks]
    assert choices[0]["delta"]["role"] == "assistant"
    texts = [choice["delta"].get("content", "") for choice in choices]
    assert texts == ["", "Eight ", "legs. \N{SPIDER}", ""]
    reasons = [choice["finish_reason"] for choice in choices]
    assert reasons == [None, None, None, "stop"]
    assert not any("usage" in chunk for chunk in chunks)
    assert chunks[-1]["routemoa"]["strategy"] == "routemoa"


async def test_a_stream_ends_with_the_usage_if_it_is_asked_for(front: Front) -> None:
    reply = await front.chat(stream=True, stream_options={"include_usage": True})
    *chunks, last, _ = reply.events
    assert all(chunk["usage"] is None for chunk in chunks)
    assert not any("routemoa" in chunk for chunk in chunks)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 120
    assert last["routemoa"]["decision_id"] == "decision-1"


async def test_calls_to_tools_are_streamed_in_pieces_and_sent_whole(
    start_front: StartFront,
) -> None:
    first = pb.ToolCallDelta(call_index=0, tool_call_id="call_1", name="lookup")
    piece = pb.ToolCallDelta(call_index=0, arguments_json='{"q":"spider"}')
    router = ScriptedRouter(
        sending(
            routing(),
            delta(tool_calls=[first]),
            delta(tool_calls=[piece]),
            result(tool_calls=[LOOKUP], finish_reason=model_pb2.FINISH_REASON_TOOL_CALLS),
        )
    )
    front = await start_front(router)
    [whole] = (await front.chat()).json["choices"]
    assert whole["finish_reason"] == "tool_calls"
    assert whole["message"]["content"] is None
    function = {"name": "lookup", "arguments": '{"q":"spider"}'}
    assert whole["message"]["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": function}
    ]
    *chunks, _ = (await front.chat(stream=True)).events
    calls = [chunk["choices"][0]["delta"].get("tool_calls") for chunk in chunks]
    assert calls[1] == [
        {
            "index": 0,
            "id": "call_1",
            "type": "function",
            "function": {"name": "lookup", "arguments": ""},
        }
    ]
    assert calls[2] == [{"index": 0, "function": {"arguments": '{"q":"spider"}'}}]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_an_answer_of_which_no_piece_came_is_streamed_at_the_end(
    start_front: StartFront,
) -> None:
    front = await start_front(ScriptedRouter(sending(routing(), result(tool_calls=[LOOKUP]))))
    *chunks, _ = (await front.chat(stream=True)).events
    [call] = chunks[1]["choices"][0]["delta"]["tool_calls"]
    assert (call["index"], call["function"]["name"]) == (0, "lookup")
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_refusals_reasoning_and_log_probabilities_have_their_fields(
    start_front: StartFront,
) -> None:
    router = ScriptedRouter(
        sending(
            delta(reasoning="Count."),
            delta("Eight", log_probabilities=[TOKEN]),
            delta(refusal="I will not."),
            result("Eight", refusal="I will not.", reasoning="Count.", log_probabilities=[TOKEN]),
        )
    )
    front = await start_front(router)
    [whole] = (await front.chat()).json["choices"]
    assert whole["message"]["refusal"] == "I will not."
    assert whole["message"]["reasoning_content"] == "Count."
    [token] = whole["logprobs"]["content"]
    assert (token["token"], token["logprob"], token["bytes"]) == ("Eight", -0.1, list(b"Eight"))
    assert token["top_logprobs"][0]["token"] == "Six"
    _, reasoning, text, refusal, _, _ = (await front.chat(stream=True)).events
    assert reasoning["choices"][0]["delta"] == {"reasoning_content": "Count."}
    assert text["choices"][0]["logprobs"]["content"][0]["token"] == "Eight"
    assert refusal["choices"][0]["delta"] == {"refusal": "I will not."}


async def test_a_text_that_is_void_ends_the_stream_with_an_error(start_front: StartFront) -> None:
    void = sending(routing(), delta("Six "), reset(), delta("Eight"), result("Eight"))
    front = await start_front(ScriptedRouter(void))
    *_, last = (await front.chat(stream=True)).events
    assert last["error"]["code"] == "answer_reset"
    assert (await front.chat()).json["choices"][0]["message"]["content"] == "Eight"


async def test_a_reset_before_any_text_changes_nothing(start_front: StartFront) -> None:
    front = await start_front(
        ScriptedRouter(sending(routing(), reset(), delta("Eight"), result("Eight")))
    )
    *chunks, done = (await front.chat(stream=True)).events
    assert done == "[DONE]"
    assert [c["choices"][0]["delta"].get("content") for c in chunks] == ["", "Eight", None]


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("routemoa", pb.RoutingPolicy()),
        ("routemoa/cascade", pb.RoutingPolicy(strategy="cascade")),
        ("routemoa/small-pool", pb.RoutingPolicy(preset="small-pool")),
        (MODELS[0], pb.RoutingPolicy(strategy="single", model_ids=[MODELS[0]])),
    ],
)
async def test_the_name_of_a_model_is_a_strategy_a_preset_or_a_model_of_the_pool(
    front: Front, name: str, policy: pb.RoutingPolicy
) -> None:
    reply = await front.chat(model=name)
    assert reply.json["model"] == name
    assert front.router.requests[-1].policy == policy


async def test_an_unknown_model_is_not_found_until_the_pool_has_it(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "MISSING_S", 0)
    refused = await front.chat(model="meadow-3b")
    assert refused.status == 404
    assert refused.error["code"] == "model_not_found"
    assert refused.error["param"] == "model"
    assert not front.router.requests
    front.router.models += ("meadow-3b",)
    assert (await front.chat(model="meadow-3b")).status == 200


async def test_a_policy_is_read_from_the_body_and_from_headers(front: Front) -> None:
    await front.chat(
        routemoa={
            "policy": {"max_cost_usd": 0.5, "max_expected_latency": "1.5s"},
            "options": {"include_reasoning": True},
        },
        headers={
            "x-routemoa-max-cost-usd": "0.01",
            "x-routemoa-model-ids": f"{MODELS[0]}, {MODELS[1]}",
            "x-routemoa-strategy": "cascade",
            "x-routemoa-session-id": "session-1",
        },
    )
    [request] = front.router.requests
    assert request.policy.max_cost_usd == 0.01
    assert list(request.policy.model_ids) == list(MODELS)
    assert request.policy.strategy == "cascade"
    assert request.policy.max_expected_latency.ToMilliseconds() == 1500
    assert request.options.include_reasoning
    assert request.options.metadata.session_id == "session-1"


async def test_an_extension_that_is_wrong_has_all_its_problems_named(front: Front) -> None:
    reply = await front.chat(
        routemoa={"policy": {"max_cost_usd": "much", "colour": 1}, "mood": 2},
        headers={"x-routemoa-max-layer-count": "2.5", "x-routemoa-colour": "red"},
    )
    assert reply.status == 400
    assert {problem["param"] for problem in reply.error["problems"]} == {
        "routemoa.policy.max_cost_usd",
        "routemoa.policy.colour",
        "routemoa.mood",
        "x-routemoa-max-layer-count",
        "x-routemoa-colour",
    }


async def test_a_strategy_is_not_given_twice(front: Front) -> None:
    reply = await front.chat(model="routemoa/cascade", headers={"x-routemoa-strategy": "single"})
    assert (reply.status, reply.error["param"]) == (400, "model")


async def test_a_conversation_with_tools_and_images_arrives_whole(front: Front) -> None:
    image = base64.b64encode(b"\x89PNG").decode()
    await front.chat(
        messages=[
            {"role": "developer", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {
                        "type": "image_url",
                        "image_url": {"url": f"data:image/png;base64,{image}", "detail": "low"},
                    },
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "lookup", "arguments": '{"q":"spider"}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "8 legs"},
        ],
        tools=[
            {
                "type": "function",
                "function": {"name": "lookup", "parameters": {"type": "object"}, "strict": True},
            }
        ],
        tool_choice={"type": "function", "function": {"name": "lookup"}},
    )
    [request] = front.router.requests
    system, user, assistant, tool = request.messages
    assert (system.role, system.content) == (model_pb2.ROLE_SYSTEM, "Be brief.")
    assert user.parts.parts[1].image == model_pb2.Media(
        data=b"\x89PNG", media_type="image/png", image_detail=model_pb2.IMAGE_DETAIL_LOW
    )
    assert list(assistant.tool_calls) == [LOOKUP]
    assert (tool.role, tool.tool_call_id, tool.content) == (
        model_pb2.ROLE_TOOL,
        "call_1",
        "8 legs",
    )
    [offered] = request.options.tools
    assert (offered.name, offered.parameters_json, offered.strict) == (
        "lookup",
        '{"type":"object"}',
        True,
    )
    assert request.options.tool_choice == generation_pb2.ToolChoice(
        mode=generation_pb2.TOOL_CHOICE_MODE_TOOL, tool_name="lookup"
    )


async def test_32_streams_at_once_do_not_mix(start_front: StartFront) -> None:
    async def echo(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        text = request.messages[0].content
        yield routing()
        for letter in text:
            await asyncio.sleep(0.001)
            yield delta(letter)
        yield result(text)

    front = await start_front(ScriptedRouter(echo))
    questions = [f"question number {number} of many" for number in range(32)]
    replies = await asyncio.gather(
        *(
            front.chat(stream=True, messages=[{"role": "user", "content": question}])
            for question in questions
        )
    )
    answers = [
        "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in reply.events[:-1])
        for reply in replies
    ]
    assert answers == questions


async def test_the_models_are_listed_for_openai_and_for_anthropic(front: Front) -> None:
    body = (await front.get("/v1/models")).json
    assert body["object"] == "list"
    assert [model["id"] for model in body["data"]] == [
        "routemoa",
        "routemoa/routemoa",
        "routemoa/cascade",
        "routemoa/single",
        "routemoa/small-pool",
        *MODELS,
    ]
    assert body["has_more"] is False
    assert body["data"][-1]["routemoa"]["capabilities"] == ["tools"]
    one = (await front.get(f"/v1/models/{MODELS[0]}")).json
    assert (one["id"], one["object"], one["type"]) == (MODELS[0], "model", "model")
    assert (await front.get("/v1/models/nobody")).status == 404
