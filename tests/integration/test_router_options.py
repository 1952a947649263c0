"""Options, parts, tools and capabilities, as callers of the router meet them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest

from routemoa.errors import InvalidFieldError, MissingCapabilityError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import generation_pb2, model_pb2
from routemoa.v1 import router_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from routemoa.errors import RouteMoAError
    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.7, "b": 0.9}
ABLE = {"a": {"capabilities": ["tools", "images"]}}
TOOLS = generation_pb2.GenerationOptions(tools=[generation_pb2.Tool(name="legs")])


@pytest.fixture
async def router(start_router: StartRouter) -> RouterBench:
    return await start_router(dict.fromkeys(SCORES, "eight"), SCORES, models=ABLE)


def asked(*messages: model_pb2.Message, **fields: Any) -> pb.GenerateAnswerRequest:
    given = messages or (model_pb2.Message(role=model_pb2.ROLE_USER, content="Legs?"),)
    policy = fields.pop("policy", pb.RoutingPolicy(strategy="single"))
    return pb.GenerateAnswerRequest(messages=given, policy=policy, **fields)


def image(size: int) -> model_pb2.Message:
    media = model_pb2.Media(data=bytes(size), media_type="image/png")
    parts = [model_pb2.MessagePart(image=media), model_pb2.MessagePart(text="Legs?")]
    return model_pb2.Message(role=model_pb2.ROLE_USER, parts=model_pb2.MessageParts(parts=parts))


async def failure(call: Awaitable[Any]) -> RouteMoAError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)


async def test_only_a_model_that_can_call_tools_is_asked(router: RouterBench) -> None:
    plain = await router.stub.GenerateAnswer(asked())
    assert plain.answer.model_id == "b"
    with_tools = await router.stub.GenerateAnswer(asked(options=TOOLS))
    assert with_tools.answer.model_id == "a"
    assert {entry.model_id for entry in with_tools.usage} == {"a"}


async def test_a_stream_says_which_models_lack_a_capability(router: RouterBench) -> None:
    request = pb.StreamAnswerRequest(
        messages=asked().messages, options=TOOLS, ranking_view=pb.RANKING_VIEW_FULL
    )
    events = [event async for event in router.stub.StreamAnswer(request)]
    (routing,) = (event.routing for event in events if event.HasField("routing"))
    reasons = {ranked.model_id: ranked.selection_reason for ranked in routing.ranked_models}
    assert reasons["b"] == pb.SELECTION_REASON_CAPABILITY


async def test_what_no_model_can_do_is_named_and_nothing_is_called(router: RouterBench) -> None:
    options = generation_pb2.GenerationOptions(top_log_probability_count=1)
    error = await failure(router.stub.GenerateAnswer(asked(options=options)))
    assert isinstance(error, MissingCapabilityError)
    assert error.metadata["capabilities"] == "CAPABILITY_LOG_PROBABILITIES"
    only_b = pb.RoutingPolicy(strategy="single", model_ids=["b"])
    error = await failure(router.stub.GenerateAnswer(asked(options=TOOLS, policy=only_b)))
    assert isinstance(error, MissingCapabilityError)
    assert not router.simulator.calls


async def test_messages_and_options_are_checked_together(router: RouterBench) -> None:
    orphan = model_pb2.Message(role=model_pb2.ROLE_TOOL, tool_call_id="1", content="8")
    options = generation_pb2.GenerationOptions(temperature=3, parallel_tool_calls=True)
    request = asked(*asked().messages, orphan, options=options)
    error = await failure(router.stub.GenerateAnswer(request))
    assert isinstance(error, InvalidFieldError)
    assert sorted(violation.field for violation in error.violations) == [
        "messages[1].tool_call_id",
        "options.parallel_tool_calls",
        "options.temperature",
    ]


async def test_8_mib_of_media_arrive_and_more_are_refused_by_name(router: RouterBench) -> None:
    answer = await router.stub.GenerateAnswer(asked(image(8 * 1024 * 1024)))
    assert answer.answer.model_id == "a"
    error = await failure(router.stub.GenerateAnswer(asked(image(9 * 1024 * 1024))))
    assert isinstance(error, InvalidFieldError)
    assert [violation.field for violation in error.violations] == ["messages"]


async def test_the_requests_limit_of_the_reply_is_what_is_reserved(router: RouterBench) -> None:
    limited = pb.RoutingPolicy(strategy="single", max_token_count=900)
    short = generation_pb2.GenerationOptions(max_output_token_count=100)
    answer = await router.stub.GenerateAnswer(asked(options=short, policy=limited))
    assert answer.answer.text
    error = await failure(router.stub.GenerateAnswer(asked(policy=limited)))
    assert error.reason == "ERROR_REASON_NO_ELIGIBLE_MODEL"


async def test_capabilities_are_listed_by_model_and_for_the_pool(router: RouterBench) -> None:
    models = (await router.stub.ListModels(pb.ListModelsRequest())).models
    assert {model.model_id: list(model.capabilities) for model in models} == {
        "a": [model_pb2.CAPABILITY_TOOLS, model_pb2.CAPABILITY_IMAGES],
        "b": [],
    }
    info = await router.stub.GetRouterInfo(pb.GetRouterInfoRequest())
    assert list(info.capabilities) == [model_pb2.CAPABILITY_TOOLS, model_pb2.CAPABILITY_IMAGES]
