"""By default rankings are cut to ten models, and a result does not repeat what was streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest

from routemoa.errors import InvalidFieldError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import router_service_pb2 as pb
from routemoa.v1.model_pb2 import ROLE_ASSISTANT, ROLE_USER, Message

if TYPE_CHECKING:
    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {f"m{number:02}": 0.9 - number / 100 for number in range(14)}
LAST = "m13"
DEFAULT = pb.RANKING_VIEW_UNSPECIFIED
TURN = Message(role=ROLE_USER, content="How many legs has a spider?")


async def routed(
    router: RouterBench, view: pb.RankingView.ValueType, **policy: Any
) -> pb.RouteQueryResponse:
    return await router.stub.RouteQuery(
        pb.RouteQueryRequest(messages=[TURN], policy=pb.RoutingPolicy(**policy), ranking_view=view)
    )


async def decision(
    router: RouterBench, view: pb.RankingView.ValueType, **policy: Any
) -> pb.RoutingDecision:
    request = pb.StreamAnswerRequest(
        messages=[TURN],
        policy=pb.RoutingPolicy(max_layer_count=1, **policy),
        ranking_view=view,
    )
    call = router.stub.StreamAnswer(request, timeout=30)
    events = [event async for event in call]
    return events[0].routing


@pytest.fixture
async def router(start_router: StartRouter) -> RouterBench:
    return await start_router(dict.fromkeys(SCORES, "eight"), SCORES, safe_models=[LAST])


@pytest.mark.parametrize("ask", [routed, decision])
@pytest.mark.parametrize("view", [DEFAULT, pb.RANKING_VIEW_TOP])
async def test_the_first_ten_models_come_back_without_explanations(
    router: RouterBench, ask: Any, view: pb.RankingView.ValueType
) -> None:
    ranked = (await ask(router, view)).ranked_models
    assert [m.model_id for m in ranked] == list(SCORES)[:10]
    assert not any(m.explanation for m in ranked)
    assert all(m.selection_reason for m in ranked)


@pytest.mark.parametrize("ask", [routed, decision])
async def test_every_model_comes_back_with_its_explanation_on_request(
    router: RouterBench, ask: Any
) -> None:
    ranked = (await ask(router, pb.RANKING_VIEW_FULL)).ranked_models
    assert [m.model_id for m in ranked] == list(SCORES)
    assert all("likely to answer well" in m.explanation for m in ranked)


@pytest.mark.parametrize("ask", [routed, decision])
async def test_a_selected_model_comes_back_wherever_it_ranks(router: RouterBench, ask: Any) -> None:
    router.scorer.uncertainty = 0.9
    found = await ask(router, DEFAULT)
    assert list(found.selected_model_ids) == [LAST]
    assert [m.model_id for m in found.ranked_models] == [*list(SCORES)[:10], LAST]


async def test_an_unknown_view_is_invalid(router: RouterBench) -> None:
    request: Any = pb.RouteQueryRequest(messages=[TURN])
    request.ranking_view = 9
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await router.stub.RouteQuery(request)
    error = from_rpc_error(caught.value)
    assert isinstance(error, InvalidFieldError)
    assert [v.field for v in error.violations] == ["ranking_view"]


async def test_a_conversation_is_routed_by_all_its_messages(router: RouterBench) -> None:
    turns = [
        TURN,
        Message(role=ROLE_ASSISTANT, content="Eight."),
        Message(role=ROLE_USER, content="And an ant?"),
    ]
    await router.stub.RouteQuery(pb.RouteQueryRequest(messages=turns))
    assert router.scorer.queries == ["How many legs has a spider?\nAnd an ant?"]


@pytest.mark.parametrize("full", [False, True])
async def test_a_result_repeats_what_was_streamed_only_on_request(
    router: RouterBench, full: bool
) -> None:
    request = pb.StreamAnswerRequest(messages=[TURN], full_result=full)
    events = [event async for event in router.stub.StreamAnswer(request, timeout=30)]
    result = events[-1].result
    assert "".join(event.delta.text for event in events) == "eight"
    assert result.answer.text == ("eight" if full else "")
    assert len(result.layers) == (1 if full else 0)
    assert result.answer.model_id in SCORES
    assert result.answer.completion_token_count > 0
    assert result.answer.finish_reason
    assert result.cost_usd == pytest.approx(sum(entry.cost_usd for entry in result.usage))
    assert result.timing.total_duration.ToNanoseconds() > 0
    assert result.stop_reason
    assert result.strategy


async def test_an_answer_that_is_not_streamed_comes_whole(router: RouterBench) -> None:
    result = await router.stub.GenerateAnswer(pb.GenerateAnswerRequest(messages=[TURN]), timeout=30)
    assert result.answer.text == "eight"
    assert result.layers
