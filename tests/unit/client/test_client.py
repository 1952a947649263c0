from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING

import grpc
import pytest

from routemoa import RouteMoAClient, TransportError
from routemoa.errors import (
    FieldViolation,
    InvalidFieldError,
    ModelNotFoundError,
    OverloadedError,
    RouteMoAError,
)
from routemoa.v1 import model_pb2, router_service_pb2, scorer_service_pb2
from tests.unit.client import samples
from tests.unit.client.recording import (
    Context,
    RecordingJudge,
    RecordingRouter,
    RecordingScorer,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

QUERY = "What is the capital of Australia?"


def ranking() -> scorer_service_pb2.RankModelsResponse:
    scores = [model_pb2.ModelScore(model_id="acme/large", score=0.8)]
    return scorer_service_pb2.RankModelsResponse(model_scores=scores)


def page(*model_ids: str, next_page_token: str = "") -> router_service_pb2.ListModelsResponse:
    models = [model_pb2.Model(model_id=model_id) for model_id in model_ids]
    return router_service_pb2.ListModelsResponse(models=models, next_page_token=next_page_token)


async def test_rank_names_the_query_and_the_models_and_returns_the_ranking() -> None:
    scorer = RecordingScorer(ranking())
    async with serving(scorer) as address, RouteMoAClient(scorer=address) as client:
        response = await client.rank(QUERY, ["acme/large"])

    assert response == ranking()
    assert scorer.requests == [
        scorer_service_pb2.RankModelsRequest(query=QUERY, model_ids=["acme/large"])
    ]


async def test_rank_many_sends_one_batch_and_returns_one_ranking_per_query() -> None:
    scorer = RecordingScorer(ranking())
    async with serving(scorer) as address, RouteMoAClient(scorer=address) as client:
        responses = await client.rank_many(["a", "b", "c"])

    assert list(responses) == [ranking()] * 3
    assert len(scorer.requests) == 1


async def test_rank_stream_yields_in_request_order() -> None:
    async def queries() -> AsyncIterator[str]:
        for number in range(5):
            yield f"query {number}"

    scorer = RecordingScorer(ranking())
    async with serving(scorer) as address, RouteMoAClient(scorer=address) as client:
        indexes = [response.request_index async for response in client.rank_stream(queries())]

    assert indexes == [0, 1, 2, 3, 4]


async def test_an_error_of_the_callers_own_queries_comes_out_of_rank_stream() -> None:
    async def queries() -> AsyncIterator[str]:
        yield "first"
        raise OSError("the file is gone")

    scorer = RecordingScorer(ranking())
    async with serving(scorer) as address, RouteMoAClient(scorer=address) as client:
        with pytest.raises(OSError, match="the file is gone"):
            async for _ in client.rank_stream(queries()):
                pass


async def test_scorer_info_describes_the_scorer() -> None:
    async with serving(RecordingScorer()) as address, RouteMoAClient(scorer=address) as client:
        assert (await client.scorer_info()).scorer_version == "scorer-1"


async def test_route_passes_policy_and_posterior_scores_on() -> None:
    decided = router_service_pb2.RouteQueryResponse(selected_model_ids=["acme/large"])
    router = RecordingRouter(route=decided)
    policy = router_service_pb2.RoutingPolicy(cost_weight=0.0, max_layer_model_count=2)
    scores = [model_pb2.ModelScore(model_id="acme/small", score=0.2)]
    async with serving(router) as address, RouteMoAClient(address) as client:
        assert await client.route(QUERY, policy, scores) == decided

    expected = router_service_pb2.RouteQueryRequest(
        messages=[model_pb2.Message(role=model_pb2.ROLE_USER, content=QUERY)],
        policy=policy,
        posterior_scores=scores,
    )
    assert router.requests == [expected]


async def test_answer_sends_a_text_as_one_user_message() -> None:
    router = RecordingRouter(events=samples.events())
    async with serving(router) as address, RouteMoAClient(address) as client:
        result = await client.answer(QUERY)

    assert result == samples.result()
    message = model_pb2.Message(role=model_pb2.ROLE_USER, content=QUERY)
    assert router.requests == [router_service_pb2.GenerateAnswerRequest(messages=[message])]


async def test_a_conversation_is_sent_as_it_is() -> None:
    conversation = [
        model_pb2.Message(role=model_pb2.ROLE_SYSTEM, content="Be brief."),
        model_pb2.Message(role=model_pb2.ROLE_USER, content=QUERY),
    ]
    router = RecordingRouter(events=samples.events())
    async with serving(router) as address, RouteMoAClient(address) as client:
        await client.answer(conversation)

    assert router.requests == [router_service_pb2.GenerateAnswerRequest(messages=conversation)]


async def test_stream_yields_every_event_in_order() -> None:
    router = RecordingRouter(events=samples.events())
    async with serving(router) as address, RouteMoAClient(address) as client:
        events = [event async for event in client.stream(QUERY)]

    assert events == samples.events()


async def test_a_stream_may_be_left_early() -> None:
    router = RecordingRouter(events=samples.events())
    async with serving(router) as address, RouteMoAClient(address) as client:
        async with aclosing(client.stream(QUERY)) as events:
            first = await anext(events)
        again = [event async for event in client.stream(QUERY)]

    assert first.WhichOneof("event") == "routing"
    assert len(again) == len(samples.events())


async def test_feedback_has_an_id_of_its_own_and_is_a_users_unless_told() -> None:
    router = RecordingRouter()
    async with serving(router) as address, RouteMoAClient(address) as client:
        await client.feedback("d", 0)
        await client.feedback("d", preferred_model_id="a")
        response = await client.feedback(
            "d",
            1,
            source=router_service_pb2.FEEDBACK_SOURCE_CHECKER,
            better_answer="Eight.",
            feedback_id="f",
        )

    scored, preferred, whole = router.requests
    assert isinstance(scored, router_service_pb2.RecordFeedbackRequest)
    assert isinstance(preferred, router_service_pb2.RecordFeedbackRequest)
    assert scored.HasField("score")
    assert not preferred.HasField("score")
    assert scored.source == preferred.source == router_service_pb2.FEEDBACK_SOURCE_USER
    assert len({"", scored.feedback_id, preferred.feedback_id}) == 3
    assert whole == router_service_pb2.RecordFeedbackRequest(
        decision_id="d",
        feedback_id="f",
        source=router_service_pb2.FEEDBACK_SOURCE_CHECKER,
        score=1,
        better_answer="Eight.",
    )
    assert response.already_recorded


async def test_models_follows_the_pages() -> None:
    router = RecordingRouter(pages=[page("a", "b", next_page_token="1"), page("c")])
    async with serving(router) as address, RouteMoAClient(address) as client:
        models = await client.models()

    assert [model.model_id for model in models] == ["a", "b", "c"]
    assert len(router.requests) == 2


async def test_assess_returns_the_judges_view() -> None:
    judge = RecordingJudge()
    answers = [model_pb2.Answer(model_id="acme/large", self_score=0.9)]
    scores = [model_pb2.ModelScore(model_id="acme/large", score=0.8)]
    async with serving(judge) as address, RouteMoAClient(judge=address) as client:
        response = await client.assess(answers, scores)

    assert [a.model_id for a in response.assessments] == ["acme/large"]


async def test_an_error_arrives_as_the_class_that_was_raised() -> None:
    violations = [FieldViolation(field="query", description="may not be empty")]
    scorer = RecordingScorer(error=InvalidFieldError(violations=violations))
    async with serving(scorer) as address, RouteMoAClient(scorer=address) as client:
        with pytest.raises(InvalidFieldError) as caught:
            await client.rank("")

    assert list(caught.value.violations) == violations


async def test_an_error_of_a_stream_arrives_as_the_class_that_was_raised() -> None:
    error = ModelNotFoundError("no such model: acme/huge", {"model_ids": "acme/huge"})
    async with serving(RecordingRouter(error=error)) as address, RouteMoAClient(address) as client:
        with pytest.raises(ModelNotFoundError, match="acme/huge") as caught:
            await anext(client.stream(QUERY))

    assert caught.value.metadata == {"model_ids": "acme/huge"}


async def test_an_answer_is_never_retried_and_a_ranking_is() -> None:
    error = OverloadedError("full", {"limit": "1"}, retry_delay_s=0.01)
    router, scorer = RecordingRouter(error=error), RecordingScorer(error=error)
    async with (
        serving(router) as router_address,
        serving(scorer) as scorer_address,
        RouteMoAClient(router_address, scorer=scorer_address) as client,
    ):
        with pytest.raises(OverloadedError):
            await client.answer(QUERY)
        with pytest.raises(OverloadedError):
            await client.rank(QUERY)

    assert len(router.requests) == 1
    assert len(scorer.requests) == 3  # the attempts that the service config allows


async def test_every_call_carries_the_request_id_and_the_deadline() -> None:
    router = RecordingRouter(events=samples.events())
    async with (
        serving(router) as address,
        RouteMoAClient(address, request_id="abc-123") as client,
    ):
        await client.answer(QUERY, timeout_s=7.0)
        async for _ in client.stream(QUERY, timeout_s=7.0):
            pass

    assert [metadata["x-request-id"] for metadata in router.metadata] == ["abc-123"] * 2
    assert [round(left or 0) for left in router.time_remaining_s] == [7, 7]


async def test_calls_without_a_request_id_get_one_each() -> None:
    scorer = RecordingScorer()
    async with serving(scorer) as address, RouteMoAClient(scorer=address) as client:
        await client.rank(QUERY)
        await client.rank(QUERY)

    ids = [metadata["x-request-id"] for metadata in scorer.metadata]
    assert len(set(ids)) == 2
    assert all(len(request_id) == 32 for request_id in ids)


class WaitingScorer(RecordingScorer):
    """Never answers; tells when a call came and when it was cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.started, self.cancelled = asyncio.Event(), asyncio.Event()

    async def RankModels(
        self, request: scorer_service_pb2.RankModelsRequest, context: Context
    ) -> scorer_service_pb2.RankModelsResponse:
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        raise AssertionError


async def test_cancelling_a_task_cancels_its_call_on_the_server() -> None:
    scorer = WaitingScorer()
    async with serving(scorer) as address, RouteMoAClient(scorer=address) as client:
        ranking = asyncio.create_task(client.rank(QUERY))
        await asyncio.wait_for(scorer.started.wait(), 60)
        ranking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ranking
        await asyncio.wait_for(scorer.cancelled.wait(), 60)


async def test_calls_are_spread_over_all_addresses_of_a_name() -> None:
    scorers = RecordingScorer(), RecordingScorer()
    async with (
        serving(scorers[0]) as first,
        serving(scorers[1]) as second,
        RouteMoAClient(scorer=f"ipv4:{first},{second}") as client,
    ):
        async with asyncio.timeout(60):
            while not all(scorer.requests for scorer in scorers):
                await client.rank(QUERY)


async def test_nobody_at_the_address_is_a_transport_error() -> None:
    async with RouteMoAClient("127.0.0.1:1") as client:
        with pytest.raises(TransportError) as caught:
            await client.answer(QUERY, timeout_s=5.0)

    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert isinstance(caught.value, RouteMoAError)


def test_the_client_loads_nothing_of_the_server_and_no_model_library() -> None:
    program = (
        "import sys, routemoa, routemoa.cli.app\n"
        "unwanted = {'services', 'scorer', 'numpy', 'torch', 'onnxruntime', 'transformers'}\n"
        "print(*sorted(unwanted & set(sys.modules)))"
    )
    loaded = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert (loaded.returncode, loaded.stdout, loaded.stderr) == (0, "\n", "")


def test_only_the_public_names_are_exported() -> None:
    import routemoa  # noqa: PLC0415 - the module itself is under test

    assert sorted(routemoa.__all__) == [
        "RouteMoAClient",
        "RouteMoAError",
        "StreamedAnswer",
        "TransportError",
    ]
