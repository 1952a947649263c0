"""One async class over the three services.

method -> request message -> stub, with deadline and request id -> response message or typed error

Responses are the contract's own messages (`routemoa.v1`), so the protos document what callers get.
Retries are gRPC's, from `service_config.json`; of its timeout and `timeout_s`, the shorter holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar
from uuid import uuid4

from routemoa.calls import messages_of, timeout_of, typed_errors, view_of
from routemoa.channel import open_channel
from routemoa.credentials import authorization, require_tls
from routemoa.ranking_stream import ranked
from routemoa.v1 import judge_service_pb2 as judge_pb2
from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as router_pb2
from routemoa.v1 import scorer_service_pb2 as scorer_pb2
from routemoa.v1.judge_service_pb2_grpc import JudgeServiceStub
from routemoa.v1.router_service_pb2_grpc import RouterServiceStub
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence

    import grpc.aio
    from google.protobuf.message import Message

    from routemoa.calls import Conversation
    from routemoa.v1.generation_pb2 import GenerationOptions

VERSION = "0.1.0"
"""The version of this client, which is that of the services beside it."""

SCORER_ADDRESS = "127.0.0.1:50051"
ROUTER_ADDRESS = "127.0.0.1:50052"
JUDGE_ADDRESS = "127.0.0.1:50053"

RequestT = TypeVar("RequestT", bound="Message")
ResponseT = TypeVar("ResponseT")


class RouteMoAClient:
    """Talks to the router, the scorer and the judge; an async context manager.

    Every method takes `timeout_s`, the time that the whole call may take, and raises a
    `routemoa.errors.RouteMoAError`. Whoever leaves an iterator early should close it
    (`contextlib.aclosing`), which cancels the call.

    Args:
        router: Address of the router, `host:port`. It and the others are connected on first use;
            services of one address share a connection.
        scorer: Address of the scorer.
        judge: Address of the judge.
        credentials: From `routemoa.credentials.tls`; without them, nothing is encrypted.
        token: Asked before every call, must not block; travels as `authorization: Bearer ...`. If it
            raises, the call fails with UNAUTHENTICATED and is not tried again.
        plaintext_token: Whether it may travel without TLS, as in a service mesh that encrypts.
        request_id: Sent with every call as `x-request-id`, for the logs; else each call has its own.
        gzip: Whether requests are compressed. Compressed responses are always read.
        proxy: Whether the HTTP proxy that the environment names (`https_proxy`) is used.

    Raises:
        ValueError: There is a token, but neither credentials nor `plaintext_token`.
    """

    def __init__(
        self,
        router: str = ROUTER_ADDRESS,
        *,
        scorer: str = SCORER_ADDRESS,
        judge: str = JUDGE_ADDRESS,
        credentials: grpc.ChannelCredentials | None = None,
        token: Callable[[], str] | None = None,
        plaintext_token: bool = False,
        request_id: str | None = None,
        gzip: bool = False,
        proxy: bool = False,
    ) -> None:
        require_tls(credentials, token, plaintext_token=plaintext_token)
        addresses = {router, scorer, judge}
        self._channels = {
            address: open_channel(
                address,
                credentials,
                user_agent=f"routemoa-python/{VERSION}",
                gzip=gzip,
                proxy=proxy,
            )
            for address in addresses
        }
        self._router = RouterServiceStub(self._channels[router])
        self._scorer = ScorerServiceStub(self._channels[scorer])
        self._judge = JudgeServiceStub(self._channels[judge])
        self._request_id = request_id
        self._token = token
        how = "without TLS" if credentials is None else "with TLS"
        self._at_router, self._at_scorer, self._at_judge = (
            f"{address} {how}" for address in (router, scorer, judge)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for channel in self._channels.values():
            await channel.close(None)

    async def rank(
        self, query: str, model_ids: Sequence[str] = (), *, timeout_s: float | None = None
    ) -> scorer_pb2.RankModelsResponse:
        """Returns the scorer's ranking, of all models that it knows unless some are named."""
        request = scorer_pb2.RankModelsRequest(query=query, model_ids=model_ids)
        return await self._call(self._at_scorer, self._scorer.RankModels, request, timeout_s)

    async def rank_many(
        self,
        queries: Sequence[str],
        model_ids: Sequence[str] = (),
        *,
        timeout_s: float | None = None,
    ) -> Sequence[scorer_pb2.RankModelsResponse]:
        """Returns one ranking per query, in order; the scorer limits how many fit one batch."""
        requests = [scorer_pb2.RankModelsRequest(query=q, model_ids=model_ids) for q in queries]
        request = scorer_pb2.BatchRankModelsRequest(requests=requests)
        method = self._scorer.BatchRankModels
        return (await self._call(self._at_scorer, method, request, timeout_s)).responses

    def rank_stream(
        self,
        queries: AsyncIterable[str],
        model_ids: Sequence[str] = (),
        *,
        timeout_s: float | None = None,
    ) -> AsyncGenerator[scorer_pb2.StreamRankModelsResponse, None]:
        """Yields one ranking or error per query, in order, for any number of queries."""
        stream = self._scorer.StreamRankModels
        return ranked(
            queries,
            model_ids,
            lambda requests: stream(requests, timeout=timeout_s, metadata=self._metadata()),
            where=self._at_scorer,
        )

    async def scorer_info(
        self, *, timeout_s: float | None = None
    ) -> scorer_pb2.GetScorerInfoResponse:
        """Returns what the scorer is, which models it knows, and its limits."""
        request = scorer_pb2.GetScorerInfoRequest()
        return await self._call(self._at_scorer, self._scorer.GetScorerInfo, request, timeout_s)

    async def route(
        self,
        conversation: Conversation,
        policy: router_pb2.RoutingPolicy | None = None,
        posterior_scores: Sequence[model_pb2.ModelScore] = (),
        *,
        options: GenerationOptions | None = None,
        full_ranking: bool = False,
        timeout_s: float | None = None,
    ) -> router_pb2.RouteQueryResponse:
        """Returns which models one layer should run; with `full_ranking`, explains all. Runs none."""
        request = router_pb2.RouteQueryRequest(
            messages=messages_of(conversation),
            policy=policy,
            options=options,
            posterior_scores=posterior_scores,
            ranking_view=view_of(full_ranking=full_ranking),
        )
        return await self._call(self._at_router, self._router.RouteQuery, request, timeout_s)

    async def answer(
        self,
        conversation: Conversation,
        policy: router_pb2.RoutingPolicy | None = None,
        options: GenerationOptions | None = None,
        *,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> router_pb2.GenerateAnswerResponse:
        """Runs the layers and returns the answer to a query or a conversation. It costs money.

        `routemoa.messages` makes messages. A `request_id` makes retries safe for ten minutes.
        """
        request = router_pb2.GenerateAnswerRequest(
            messages=messages_of(conversation),
            policy=policy,
            options=options,
            request_id=request_id,
        )
        return await self._call(self._at_router, self._router.GenerateAnswer, request, timeout_s)

    async def stream(
        self,
        conversation: Conversation,
        policy: router_pb2.RoutingPolicy | None = None,
        options: GenerationOptions | None = None,
        *,
        request_id: str = "",
        full_ranking: bool = False,
        full_result: bool = False,
        timeout_s: float | None = None,
    ) -> AsyncGenerator[router_pb2.StreamAnswerResponse, None]:
        """Does what `answer` does, and yields every event; the last one holds the result.

        `full_ranking` asks for every model of the rankings, with explanations; `full_result` for a
        result that repeats the text, tool calls and layers that were streamed.
        """
        request = router_pb2.StreamAnswerRequest(
            messages=messages_of(conversation),
            policy=policy,
            options=options,
            request_id=request_id,
            ranking_view=view_of(full_ranking=full_ranking),
            full_result=full_result,
        )
        timeout_s = timeout_of(request, timeout_s)
        call = self._router.StreamAnswer(request, timeout=timeout_s, metadata=self._metadata())
        try:
            with typed_errors(self._at_router):
                async for event in call:
                    if event.WhichOneof("event") is not None:  # else newer than this client
                        yield event
        finally:
            call.cancel()

    async def feedback(
        self,
        decision_id: str,
        score: float | None = None,
        *,
        source: router_pb2.FeedbackSource.ValueType = router_pb2.FEEDBACK_SOURCE_USER,
        preferred_model_id: str = "",
        better_answer: str = "",
        feedback_id: str = "",
        timeout_s: float | None = None,
    ) -> router_pb2.RecordFeedbackResponse:
        """Records a score of an answer, in [0, 1], the model with the best one, or a better answer.

        The same `feedback_id` is recorded once; without it, the call has a new one.
        """
        request = router_pb2.RecordFeedbackRequest(
            decision_id=decision_id,
            feedback_id=feedback_id or uuid4().hex,
            source=source,
            score=score,
            preferred_model_id=preferred_model_id,
            better_answer=better_answer,
        )
        return await self._call(self._at_router, self._router.RecordFeedback, request, timeout_s)

    async def router_info(
        self, *, timeout_s: float | None = None
    ) -> router_pb2.GetRouterInfoResponse:
        """Returns the router's strategies, presets and limits, and what its models can do."""
        request = router_pb2.GetRouterInfoRequest()
        return await self._call(self._at_router, self._router.GetRouterInfo, request, timeout_s)

    async def models(self, *, timeout_s: float | None = None) -> Sequence[model_pb2.Model]:
        """Returns the whole pool, ordered by model id; `timeout_s` is per page."""
        models: list[model_pb2.Model] = []
        request = router_pb2.ListModelsRequest()
        while True:
            page = await self._call(self._at_router, self._router.ListModels, request, timeout_s)
            models.extend(page.models)
            if not page.next_page_token:
                return models
            request = router_pb2.ListModelsRequest(page_token=page.next_page_token)

    async def assess(
        self,
        answers: Sequence[model_pb2.Answer],
        prior_scores: Sequence[model_pb2.ModelScore],
        previous_answers: Sequence[model_pb2.Answer] = (),
        *,
        timeout_s: float | None = None,
    ) -> judge_pb2.AssessAnswersResponse:
        """Returns the judge's posterior scores of the models that ran."""
        request = judge_pb2.AssessAnswersRequest(
            answers=answers, previous_answers=previous_answers, prior_scores=prior_scores
        )
        return await self._call(self._at_judge, self._judge.AssessAnswers, request, timeout_s)

    async def _call(
        self,
        where: str,
        method: grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT],
        request: RequestT,
        timeout_s: float | None,
    ) -> ResponseT:
        with typed_errors(where):
            timeout_s = timeout_of(request, timeout_s)
            return await method(request, timeout=timeout_s, metadata=self._metadata())

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-request-id", self._request_id or uuid4().hex), *authorization(self._token))
