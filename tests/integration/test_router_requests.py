"""Bad input to the router, over the wire: each gets a clear typed error, and nothing is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest

from routemoa.errors import (
    DeadlineTooShortError,
    InvalidFieldError,
    InvalidPageTokenError,
    ModelNotFoundError,
    NoEligibleModelError,
    TransportError,
)
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from routemoa.errors import RouteMoAError
    from services.simulator.call import Call
    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.7, "b": 0.65, "c": 0.6}
SCRIPTS = dict.fromkeys(SCORES, "eight")


@pytest.fixture
async def router(start_router: StartRouter) -> RouterBench:
    return await start_router(SCRIPTS, SCORES)


async def failure(call: Awaitable[Any]) -> RouteMoAError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)


def request(text: str = "Legs?", **policy: Any) -> pb.GenerateAnswerRequest:
    return pb.GenerateAnswerRequest(
        messages=[model_pb2.Message(role=model_pb2.ROLE_USER, content=text)],
        policy=pb.RoutingPolicy(**policy),
    )


def routed(text: str, **fields: Any) -> pb.RouteQueryRequest:
    turn = model_pb2.Message(role=model_pb2.ROLE_USER, content=text)
    return pb.RouteQueryRequest(messages=[turn], **fields)


def fields(error: RouteMoAError) -> list[str]:
    assert isinstance(error, InvalidFieldError)
    return [violation.field for violation in error.violations]


@pytest.mark.parametrize("text", ["", "   \n", "\t"])
async def test_an_empty_query_is_invalid(router: RouterBench, text: str) -> None:
    error = await failure(router.stub.GenerateAnswer(request(text)))
    assert fields(error) == ["messages[0].content"]
    assert not router.simulator.calls


async def test_more_text_than_the_limit_is_invalid(router: RouterBench) -> None:
    error = await failure(router.stub.GenerateAnswer(request("x" * 1_000_001)))
    assert fields(error) == ["messages"]
    error = await failure(router.stub.RouteQuery(routed("x" * 1_000_001)))
    assert fields(error) == ["messages"]


async def test_a_message_over_grpcs_own_limit_is_refused(router: RouterBench) -> None:
    error = await failure(router.stub.GenerateAnswer(request("x" * 27_500_000)))
    assert isinstance(error, TransportError)
    assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    "data", [b"\x0a\x04\x12\x02\xff\xfe", b"\xff" * 20, b"\x0a\xff\xff\xff\x7f"]
)
async def test_bytes_that_are_no_message_are_invalid(router: RouterBench, data: bytes) -> None:
    call = router.channel.unary_unary("/routemoa.v1.RouterService/GenerateAnswer")
    assert isinstance(await failure(call(data)), InvalidFieldError)
    stream = router.channel.unary_stream("/routemoa.v1.RouterService/StreamAnswer")(data)
    assert isinstance(await failure(stream.read()), InvalidFieldError)


async def test_a_zero_is_a_value_and_not_the_default(router: RouterBench) -> None:
    zeros = request(max_layer_model_count=0, max_layer_count=0, max_call_count=0, max_token_count=0)
    assert fields(await failure(router.stub.GenerateAnswer(zeros))) == [
        "policy.max_layer_model_count",
        "policy.max_layer_count",
        "policy.max_call_count",
        "policy.max_token_count",
    ]
    assert not router.simulator.calls


async def test_everything_wrong_with_a_request_is_said_at_once(router: RouterBench) -> None:
    bad = pb.GenerateAnswerRequest(
        messages=[
            model_pb2.Message(role=model_pb2.ROLE_USER, content="a"),
            model_pb2.Message(role=model_pb2.ROLE_SYSTEM, content="late"),
            model_pb2.Message(role=99, content=" "),  # type: ignore[arg-type]
            model_pb2.Message(role=model_pb2.ROLE_ASSISTANT, content="b"),
        ],
        policy=pb.RoutingPolicy(
            quality_weight=-1,
            cost_weight=float("nan"),
            stopping_score=1.5,
            max_layer_count=-1,
            max_layer_model_count=17,
            max_call_count=1000,
            max_cost_usd=float("inf"),
            strategy="guess",
            preset="tiny-pool",
            max_token_count=-1,
        ),
    )
    assert sorted(fields(await failure(router.stub.GenerateAnswer(bad)))) == [
        "messages[2].content",
        "messages[2].role",
        "messages[3].role",
        "policy.cost_weight",
        "policy.max_call_count",
        "policy.max_cost_usd",
        "policy.max_layer_count",
        "policy.max_layer_model_count",
        "policy.max_token_count",
        "policy.preset",
        "policy.quality_weight",
        "policy.stopping_score",
        "policy.strategy",
    ]
    assert not router.simulator.calls


Turn = tuple[model_pb2.Role.ValueType, str]
SYSTEM, USER, ASSISTANT = (
    model_pb2.ROLE_SYSTEM,
    model_pb2.ROLE_USER,
    model_pb2.ROLE_ASSISTANT,
)


def chat(*turns: Turn) -> pb.GenerateAnswerRequest:
    messages = [model_pb2.Message(role=role, content=content) for role, content in turns]
    return pb.GenerateAnswerRequest(messages=messages, policy=pb.RoutingPolicy(strategy="single"))


@pytest.mark.parametrize(
    ("turns", "sent"),
    [
        ([(USER, "Hi"), (ASSISTANT, ""), (USER, "Legs?")], [("user", "Hi\n\nLegs?")]),
        ([(USER, "Hi"), (ASSISTANT, " \n"), (USER, ""), (USER, "?")], [("user", "Hi\n\n?")]),
        ([(SYSTEM, ""), (USER, "Legs?")], [("user", "Legs?")]),
        (
            [(USER, " "), (SYSTEM, "Be brief."), (USER, "?")],
            [("system", "Be brief."), ("user", "?")],
        ),
        ([(USER, "Legs?"), (ASSISTANT, "")], [("user", "Legs?")]),  # the reply's own place
        (
            [(SYSTEM, "Be brief."), (USER, "Hi"), (SYSTEM, "In French."), (SYSTEM, "Now.")],
            [("system", "Be brief."), ("user", "Hi\n\nIn French.\n\nNow.")],
        ),
    ],
)
async def test_empty_turns_of_a_history_are_left_out(
    start_router: StartRouter, turns: list[Turn], sent: list[tuple[str, str]]
) -> None:
    calls: list[Call] = []

    def script(call: Call) -> str:
        calls.append(call)
        return "eight"

    router = await start_router({"a": script}, {"a": 0.9})
    result = await router.stub.GenerateAnswer(chat(*turns))
    assert result.answer.text == "eight"
    assert [(message.role, message.content) for message in calls[0].messages] == sent


@pytest.mark.parametrize(
    ("turns", "refused"),
    [
        ([(USER, "Hi"), (ASSISTANT, ""), (USER, " ")], ["messages[2].content"]),
        ([(USER, "Hi"), (USER, ""), (ASSISTANT, "")], ["messages[1].content"]),
        ([(ASSISTANT, "")], ["messages[0].role"]),
        ([(SYSTEM, "Be brief."), (ASSISTANT, "")], ["messages[1].role"]),
        ([(USER, "Hi"), (ASSISTANT, "Hello")], ["messages[1].role"]),
    ],
)
async def test_a_history_without_a_question_at_its_end_is_invalid(
    router: RouterBench, turns: list[Turn], refused: list[str]
) -> None:
    assert fields(await failure(router.stub.GenerateAnswer(chat(*turns)))) == refused
    assert not router.simulator.calls


async def test_a_stream_refuses_what_a_unary_call_refuses(router: RouterBench) -> None:
    error = await failure(router.ask(" "))
    assert fields(error) == ["messages[0].content"]


async def test_no_messages_are_invalid(router: RouterBench) -> None:
    assert fields(await failure(router.stub.GenerateAnswer(pb.GenerateAnswerRequest()))) == [
        "messages"
    ]


async def test_models_that_are_not_in_the_pool_are_named(router: RouterBench) -> None:
    error = await failure(router.stub.GenerateAnswer(request(model_ids=["x", "a", "y"])))
    assert isinstance(error, ModelNotFoundError)
    assert error.metadata["model_ids"] == "x,y"


async def test_a_budget_below_the_cheapest_call_is_refused(router: RouterBench) -> None:
    error = await failure(router.stub.GenerateAnswer(request(max_cost_usd=1e-9)))
    assert isinstance(error, NoEligibleModelError)
    assert float(error.metadata["cheapest_call_usd"]) > 1e-9
    assert not router.simulator.calls


async def test_a_query_that_no_model_can_hold_is_refused(router: RouterBench) -> None:
    error = await failure(router.stub.GenerateAnswer(request("word " * 50_000)))
    assert isinstance(error, NoEligibleModelError)


async def test_a_deadline_too_short_is_refused_unstarted(router: RouterBench) -> None:
    error = await failure(router.stub.GenerateAnswer(request(), timeout=0.02))
    # The client's own clock may strike first; either way the code is the same.
    assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert isinstance(error, DeadlineTooShortError | TransportError)
    assert not router.simulator.calls


async def test_a_model_unknown_to_the_scorer_has_a_guessed_score_and_the_result_says_so(
    start_router: StartRouter,
) -> None:
    router = await start_router({**SCRIPTS, "new": "eight"}, SCORES)
    result = await router.stub.GenerateAnswer(request())
    assert result.answer.text
    assert pb.Fallback(
        dependency=pb.DEPENDENCY_SCORER,
        reason=pb.FALLBACK_REASON_UNKNOWN_MODELS,
        substitute=pb.SUBSTITUTE_MEAN_PRIOR,
    ) in list(result.fallbacks)


async def test_a_model_unknown_to_the_scorer_with_a_prior_score_is_ranked_by_it(
    start_router: StartRouter,
) -> None:
    known = await start_router(
        {**SCRIPTS, "new": "eight"}, SCORES, models={"new": {"prior_score": 0.9}}
    )
    result = await known.ask(max_layer_count=1)
    assert not result.fallbacks
    assert known.events[0].routing.ranked_models[0].model_id == "new"


async def test_route_query_decides_and_calls_no_model(router: RouterBench) -> None:
    decision = await router.stub.RouteQuery(
        routed("Legs?", policy=pb.RoutingPolicy(max_layer_model_count=2, strategy="layers"))
    )
    assert list(decision.selected_model_ids) == ["a", "b"]
    assert decision.stop_reason == pb.STOP_REASON_UNSPECIFIED
    assert not router.simulator.calls


async def test_route_query_says_what_the_default_strategy_calls_first(
    start_router: StartRouter,
) -> None:
    router = await start_router(dict.fromkeys("abc", "eight"), {"a": 0.9, "b": 0.3, "c": 0.2})
    decision = await router.stub.RouteQuery(routed("Legs?"))
    assert list(decision.selected_model_ids) == ["a"]
    await router.ask()
    assert router.events[0].routing.selected_model_ids == decision.selected_model_ids


async def test_route_query_heeds_posteriors(router: RouterBench) -> None:
    def posterior(score: float) -> pb.RouteQueryRequest:
        score_of_c = model_pb2.ModelScore(model_id="c", score=score)
        return routed("Legs?", posterior_scores=[score_of_c])

    moved = await router.stub.RouteQuery(posterior(0.75))
    assert moved.selected_model_ids[0] == "c"
    stopped = await router.stub.RouteQuery(posterior(0.95))
    assert stopped.stop_reason == pb.STOP_REASON_SCORE
    assert not stopped.selected_model_ids


async def test_route_query_refuses_posteriors_that_are_none(router: RouterBench) -> None:
    bad = routed(
        "",
        posterior_scores=[
            model_pb2.ModelScore(model_id="a", score=float("nan")),
            model_pb2.ModelScore(model_id="x", score=0.5),
        ],
    )
    assert fields(await failure(router.stub.RouteQuery(bad))) == [
        "messages[0].content",
        "posterior_scores[0].score",
        "posterior_scores[1].model_id",
    ]


async def test_the_router_describes_itself(router: RouterBench) -> None:
    info = await router.stub.GetRouterInfo(pb.GetRouterInfoRequest())
    assert {"routemoa", "single", "cascade"} <= set(info.strategies)
    assert info.default_strategy in info.strategies
    assert "small-pool" in info.presets
    assert info.request_limits.max_message_count == 256
    assert info.max_duration.seconds > 0


async def test_models_are_listed_in_pages(router: RouterBench) -> None:
    first = await router.stub.ListModels(pb.ListModelsRequest(page_size=2))
    assert [m.model_id for m in first.models] == ["a", "b"]
    rest = await router.stub.ListModels(pb.ListModelsRequest(page_token=first.next_page_token))
    assert [m.model_id for m in rest.models] == ["c"]
    assert rest.next_page_token == ""


@pytest.mark.parametrize("token", ["x", "!!!!", "AAAA", "é", "OTk5OjE="])
async def test_a_foreign_page_token_is_refused(router: RouterBench, token: str) -> None:
    error = await failure(router.stub.ListModels(pb.ListModelsRequest(page_token=token)))
    assert isinstance(error, InvalidPageTokenError)


@pytest.mark.parametrize("size", [-1, 0, 1001])
async def test_a_page_size_out_of_range_is_invalid(router: RouterBench, size: int) -> None:
    assert fields(await failure(router.stub.ListModels(pb.ListModelsRequest(page_size=size)))) == [
        "page_size"
    ]
