"""Whatever bytes a caller sends to any method, it gets an error of the contract, and in time."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest

from routemoa.errors import InternalError, TransportError, UnknownReasonError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import generation_pb2, model_pb2
from routemoa.v1 import judge_service_pb2 as judge_pb
from routemoa.v1 import router_service_pb2 as router_pb
from routemoa.v1 import scorer_service_pb2 as scorer_pb
from routemoa.v1.error_reason_pb2 import ERROR_REASON_INTERNAL
from tests.integration.mutated_messages import Mutator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from services.simulator import Call
    from tests.conftest import Connect
    from tests.integration.conftest import StartRouter

SEED = 20_260_130
SCORES = {"a": 0.7, "b": 0.6}
TIMEOUT_S = 60.0
"""Far more than any of these calls takes: one that has not ended by then is late."""
AT_ONCE = 16
REQUESTS_OF_STREAM = 5
LOST_STATUS = "Internal error from Core"
LOST_STATUSES = 5
TURN = model_pb2.Message(role=model_pb2.ROLE_USER, content="How many legs has a spider?")
POLICY = router_pb.RoutingPolicy(strategy="single")
SCHEMA = '{"type": "object", "properties": {"legs": {"type": "integer"}}}'
OPTIONS = generation_pb2.GenerationOptions(
    max_output_token_count=50,
    temperature=0.5,
    stop_sequences=["END"],
    response_format=generation_pb2.ResponseFormat(
        json_schema=generation_pb2.JsonSchemaFormat(name="legs", schema_json=SCHEMA)
    ),
    tools=[generation_pb2.Tool(name="legs", parameters_json=SCHEMA)],
    tool_choice=generation_pb2.ToolChoice(
        mode=generation_pb2.TOOL_CHOICE_MODE_TOOL, tool_name="legs"
    ),
    metadata=generation_pb2.RequestMetadata(session_id="s"),
)
CHAT = [
    model_pb2.Message(
        role=model_pb2.ROLE_USER,
        parts=model_pb2.MessageParts(
            parts=[
                model_pb2.MessagePart(text="How many legs?"),
                model_pb2.MessagePart(image=model_pb2.Media(url="https://example.com/a.png")),
                model_pb2.MessagePart(
                    file=model_pb2.Media(data=b"8", media_type="text/plain", name="a.txt")
                ),
            ]
        ),
    ),
    model_pb2.Message(
        role=model_pb2.ROLE_ASSISTANT,
        tool_calls=[model_pb2.ToolCall(tool_call_id="1", name="legs", arguments_json="{}")],
    ),
    model_pb2.Message(role=model_pb2.ROLE_TOOL, tool_call_id="1", content="8"),
]
"""A chat with an image, a file, a call to a tool and its result."""
SCORED = model_pb2.Answer(
    model_id="a", self_score=0.5, grades=[model_pb2.Grade(model_id="b", score=0.5)]
)
RANKED = scorer_pb.RankModelsRequest(query="How many legs?", model_ids=["a"])
SEEDS: dict[str, Message] = {
    "RouterService/RouteQuery": router_pb.RouteQueryRequest(
        messages=[TURN],
        policy=POLICY,
        posterior_scores=[model_pb2.ModelScore(model_id="a", score=0.5)],
    ),
    "RouterService/GenerateAnswer": router_pb.GenerateAnswerRequest(
        messages=CHAT, policy=POLICY, options=OPTIONS
    ),
    "RouterService/StreamAnswer": router_pb.StreamAnswerRequest(messages=[TURN], policy=POLICY),
    "RouterService/RecordFeedback": router_pb.RecordFeedbackRequest(
        decision_id="d",
        feedback_id="f",
        source=router_pb.FEEDBACK_SOURCE_USER,
        score=0.5,
        preferred_model_id="a",
        better_answer="Eight.",
    ),
    "RouterService/ListModels": router_pb.ListModelsRequest(page_size=1),
    "RouterService/GetRouterInfo": router_pb.GetRouterInfoRequest(),
    "ScorerService/RankModels": RANKED,
    "ScorerService/BatchRankModels": scorer_pb.BatchRankModelsRequest(requests=[RANKED, RANKED]),
    "ScorerService/StreamRankModels": scorer_pb.StreamRankModelsRequest(request=RANKED),
    "ScorerService/GetScorerInfo": scorer_pb.GetScorerInfoRequest(),
    "JudgeService/AssessAnswers": judge_pb.AssessAnswersRequest(
        answers=[SCORED],
        previous_answers=[model_pb2.Answer(model_id="b")],
        prior_scores=[
            model_pb2.ModelScore(model_id="a", score=0.5),
            model_pb2.ModelScore(model_id="b", score=0.5),
        ],
    ),
}
"""A valid request of each method."""


def speaker(call: Call) -> str:
    return call.assessed("eight", self_score=0.5)


@pytest.fixture
async def channels(
    start_router: StartRouter, connect: Connect, scorer_address: str, judge_address: str
) -> Mapping[str, grpc.aio.Channel]:
    """Channels to the services, by their names."""
    able = {"a": {"capabilities": ["tools", "images", "files", "parallel_tools"]}}
    router = await start_router(dict.fromkeys(SCORES, speaker), SCORES, models=able)
    return {
        "RouterService": router.channel,
        "ScorerService": connect(scorer_address),
        "JudgeService": connect(judge_address),
    }


def test_every_method_has_a_valid_request_here() -> None:
    files = (router_pb, scorer_pb, judge_pb)
    services = [s for file in files for s in file.DESCRIPTOR.services_by_name.values()]
    methods = {
        f"{service.name}/{method.name}" for service in services for method in service.methods
    }
    assert set(SEEDS) == methods


@pytest.mark.parametrize(
    "count", [150, pytest.param(20_000, marks=[pytest.mark.slow, pytest.mark.timeout(3_600)])]
)
@pytest.mark.parametrize("method", SEEDS)
async def test_any_message_gets_an_answer_or_an_error_of_the_contract(
    channels: Mapping[str, grpc.aio.Channel], method: str, count: int
) -> None:
    channel = channels[method.partition("/")[0]]
    mutator = Mutator(random.Random(f"{SEED} {method}"), [*SCORES, "single", "routemoa", "8"])
    left = iter(range(count))
    wrong: list[str] = []

    async def send_some() -> None:
        for _ in left:
            data = [mutator.mutated(SEEDS[method]) for _ in range(REQUESTS_OF_STREAM)]
            problem = await outcome(channel, method, data)
            if problem:
                wrong.append(f"{problem}: {data[0].hex()}")

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(send_some())
    assert wrong == []


async def outcome(channel: Any, method: str, data: list[bytes]) -> str:
    """Sends a call; returns what is wrong with its end, or nothing.

    gRPC's own client loses the status of a stream that the service ends while a message is written, and
    puts another in its place. Then the call is sent again.
    """
    for _ in range(LOST_STATUSES):
        problem = await outcome_once(channel, method, data)
        if LOST_STATUS not in problem:
            return problem
    return problem


async def outcome_once(channel: Any, method: str, data: list[bytes]) -> str:
    path = f"/routemoa.v1.{method}"
    try:
        if method.endswith("/StreamRankModels"):
            async for response in channel.stream_stream(path)(aiter_of(data), timeout=TIMEOUT_S):
                item = scorer_pb.StreamRankModelsResponse.FromString(response)
                if item.error.reason == ERROR_REASON_INTERNAL:
                    return "an internal error"
        elif method.endswith("/StreamAnswer"):
            async for _ in channel.unary_stream(path)(data[0], timeout=TIMEOUT_S):
                pass
        else:
            await channel.unary_unary(path)(data[0], timeout=TIMEOUT_S)
    except grpc.aio.AioRpcError as rpc_error:
        error = from_rpc_error(rpc_error)
        if isinstance(error, InternalError | TransportError | UnknownReasonError):
            return f"{error.code.name}, {error.reason}, {error.message}"
    return ""


async def aiter_of(data: list[bytes]) -> Any:
    for item in data:
        yield item
