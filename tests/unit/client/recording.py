"""Services that answer what a test tells them to, and remember what they were asked."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc.aio

from routemoa.v1 import judge_service_pb2 as judge_pb2
from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as router_pb2
from routemoa.v1 import scorer_service_pb2 as scorer_pb2
from routemoa.v1.judge_service_pb2_grpc import (
    JudgeServiceServicer,
    add_JudgeServiceServicer_to_server,
)
from routemoa.v1.router_service_pb2_grpc import (
    RouterServiceServicer,
    add_RouterServiceServicer_to_server,
)
from routemoa.v1.scorer_service_pb2_grpc import (
    ScorerServiceServicer,
    add_ScorerServiceServicer_to_server,
)
from services.rpc.config import ServiceConfig
from services.rpc.server import Service, running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from google.protobuf.message import Message

    from routemoa.errors import RouteMoAError

Context = grpc.aio.ServicerContext[Any, Any]


class Recorder:
    """The base of recording servicers: holds the requests, and an error to raise instead of a reply."""

    def __init__(self, error: RouteMoAError | None = None) -> None:
        self.error = error
        self.requests: list[Message] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.time_remaining_s: list[float | None] = []

    def record(self, request: Message, context: Context) -> None:
        """Notes a request, then raises the error if there is one."""
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata() or ()))
        self.time_remaining_s.append(context.time_remaining())
        if self.error is not None:
            raise self.error


class RecordingRouter(Recorder, RouterServiceServicer):
    """A router with a scripted answer and a pool of pages."""

    def __init__(
        self,
        *,
        events: Sequence[router_pb2.StreamAnswerResponse] = (),
        route: router_pb2.RouteQueryResponse | None = None,
        pages: Sequence[router_pb2.ListModelsResponse] = (),
        error: RouteMoAError | None = None,
    ) -> None:
        super().__init__(error)
        self.events = events
        self.route = route or router_pb2.RouteQueryResponse()
        self.pages = {str(index or ""): page for index, page in enumerate(pages)}

    async def RouteQuery(
        self, request: router_pb2.RouteQueryRequest, context: Context
    ) -> router_pb2.RouteQueryResponse:
        self.record(request, context)
        return self.route

    async def GenerateAnswer(
        self, request: router_pb2.GenerateAnswerRequest, context: Context
    ) -> router_pb2.GenerateAnswerResponse:
        self.record(request, context)
        return self.events[-1].result

    async def StreamAnswer(
        self, request: router_pb2.StreamAnswerRequest, context: Context
    ) -> AsyncIterator[router_pb2.StreamAnswerResponse]:
        self.record(request, context)
        for event in self.events:
            yield event

    async def RecordFeedback(
        self, request: router_pb2.RecordFeedbackRequest, context: Context
    ) -> router_pb2.RecordFeedbackResponse:
        self.record(request, context)
        return router_pb2.RecordFeedbackResponse(already_recorded=len(self.requests) > 1)

    async def GetRouterInfo(
        self, request: router_pb2.GetRouterInfoRequest, context: Context
    ) -> router_pb2.GetRouterInfoResponse:
        self.record(request, context)
        return router_pb2.GetRouterInfoResponse(strategies=["routemoa"])

    async def ListModels(
        self, request: router_pb2.ListModelsRequest, context: Context
    ) -> router_pb2.ListModelsResponse:
        self.record(request, context)
        return self.pages[request.page_token]


class RecordingScorer(Recorder, ScorerServiceServicer):
    """A scorer that gives every query the same ranking."""

    def __init__(
        self,
        ranking: scorer_pb2.RankModelsResponse | None = None,
        error: RouteMoAError | None = None,
    ) -> None:
        super().__init__(error)
        self.ranking = ranking or scorer_pb2.RankModelsResponse()

    async def RankModels(
        self, request: scorer_pb2.RankModelsRequest, context: Context
    ) -> scorer_pb2.RankModelsResponse:
        self.record(request, context)
        return self.ranking

    async def BatchRankModels(
        self, request: scorer_pb2.BatchRankModelsRequest, context: Context
    ) -> scorer_pb2.BatchRankModelsResponse:
        self.record(request, context)
        return scorer_pb2.BatchRankModelsResponse(
            responses=[self.ranking for _ in request.requests]
        )

    async def StreamRankModels(
        self,
        request_iterator: AsyncIterator[scorer_pb2.StreamRankModelsRequest],
        context: Context,
    ) -> AsyncIterator[scorer_pb2.StreamRankModelsResponse]:
        index = 0
        async for request in request_iterator:
            self.record(request, context)
            yield scorer_pb2.StreamRankModelsResponse(request_index=index, ranking=self.ranking)
            index += 1

    async def GetScorerInfo(
        self, request: scorer_pb2.GetScorerInfoRequest, context: Context
    ) -> scorer_pb2.GetScorerInfoResponse:
        self.record(request, context)
        return scorer_pb2.GetScorerInfoResponse(scorer_version="scorer-1")


class RecordingJudge(Recorder, JudgeServiceServicer):
    """A judge that thinks the same of every model."""

    async def AssessAnswers(
        self, request: judge_pb2.AssessAnswersRequest, context: Context
    ) -> judge_pb2.AssessAnswersResponse:
        self.record(request, context)
        assessments = [
            model_pb2.Assessment(model_id=answer.model_id, posterior_score=0.5)
            for answer in request.answers
        ]
        return judge_pb2.AssessAnswersResponse(assessments=assessments)


@asynccontextmanager
async def serving(
    servicer: RecordingRouter | RecordingScorer | RecordingJudge,
) -> AsyncIterator[str]:
    """Serves on a free loopback port, behind the interceptors that every service has."""
    match servicer:
        case RecordingRouter():
            name, register = "RouterService", partial(add_RouterServiceServicer_to_server, servicer)
        case RecordingScorer():
            name, register = "ScorerService", partial(add_ScorerServiceServicer_to_server, servicer)
        case RecordingJudge():
            name, register = "JudgeService", partial(add_JudgeServiceServicer_to_server, servicer)
    service = Service(name=f"routemoa.v1.{name}", register=register)
    config = ServiceConfig(listen_address="127.0.0.1:0", drain_timeout_s=1)
    async with running_server(config, service) as address:
        yield address
