"""Tools and JSON over the wire, by every strategy: what backends are asked and callers get."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import grpc.aio
import pytest

from routemoa.errors import NoValidAnswerError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import generation_pb2, model_pb2
from routemoa.v1 import router_service_pb2 as pb
from services.router.strategies.registry import STRATEGIES
from services.simulator.call import Call, Reply, ToolCall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.7, "b": 0.65, "c": 0.6}
WEATHER = generation_pb2.GenerationOptions(
    tools=[
        generation_pb2.Tool(
            name="weather",
            parameters_json=json.dumps(
                {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
            ),
        )
    ]
)
PERSON = generation_pb2.GenerationOptions(
    response_format=generation_pb2.ResponseFormat(
        json_schema=generation_pb2.JsonSchemaFormat(
            name="person",
            schema_json=json.dumps(
                {
                    "type": "object",
                    "properties": {"name": {"type": "string"}},
                    "required": ["name"],
                    "additionalProperties": False,
                }
            ),
        )
    )
)
ULM = Reply(text="", tool_calls=(ToolCall(name="weather", arguments='{"city": "Ulm"}'),))
HALF = Reply(text="", tool_calls=(ToolCall(name="weather", arguments='{"city": "U'),))
ANN = '{"name": "Ann"}'
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


async def started(
    start_router: StartRouter, scripts: Mapping[str, object], *capabilities: str
) -> RouterBench:
    able = {name: {"capabilities": list(capabilities)} for name in SCORES}
    return await start_router(scripts, SCORES, models=able)


def streamed_calls(router: RouterBench) -> list[tuple[str, str]]:
    """Returns the names and the arguments that the deltas since the last reset add up to."""
    calls: dict[int, list[str]] = {}
    for event in router.events:
        if event.HasField("reset"):
            calls.clear()
        for piece in event.delta.tool_calls:
            call = calls.setdefault(piece.call_index, ["", ""])
            call[0] += piece.name
            call[1] += piece.arguments_json
    return [(name, arguments) for name, arguments in calls.values()]


@every_strategy
async def test_a_model_whose_call_is_not_valid_is_outvoted(
    start_router: StartRouter, strategy: str
) -> None:
    router = await started(start_router, {"a": HALF, "b": ULM, "c": ULM}, "tools")
    result = await router.ask(options=WEATHER, strategy=strategy)
    (call,) = result.answer.tool_calls
    assert (call.name, json.loads(call.arguments_json)) == ("weather", {"city": "Ulm"})
    assert streamed_calls(router) == [(call.name, call.arguments_json)]
    assert result.answer.finish_reason == model_pb2.FINISH_REASON_TOOL_CALLS
    statuses = {entry.model_id: entry.status for entry in result.usage}
    assert statuses["a"] == pb.CALL_STATUS_MALFORMED


@every_strategy
async def test_json_that_breaks_the_schema_never_leaves(
    start_router: StartRouter, strategy: str
) -> None:
    scripts = {"a": '{"name": 3}', "b": f"```json\n{ANN}\n```", "c": ANN}
    router = await started(start_router, scripts, "json_schema")
    result = await router.ask(options=PERSON, strategy=strategy)
    assert result.answer.text == router.shown == ANN


async def test_without_a_valid_answer_the_caller_gets_a_typed_error(
    start_router: StartRouter,
) -> None:
    asked: list[Call] = []

    def breaks(call: Call) -> str:
        asked.append(call)
        return '{"name": 3}'

    router = await started(start_router, dict.fromkeys(SCORES, breaks), "json_schema")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await router.ask(options=PERSON, strategy="single")
    error = from_rpc_error(caught.value)
    assert isinstance(error, NoValidAnswerError)
    assert error.metadata["model_ids"] == "a,b,c"
    assert asked[-1].messages[-2].content == '{"name": 3}'  # one of them could mend it
    assert len(asked) == 4
