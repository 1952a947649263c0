"""A router that sends what a test scripts, and events to script."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from routemoa.errors import RouteMoAError, UnknownTenantError
from routemoa.v1 import model_pb2, router_service_pb2_grpc
from routemoa.v1 import router_service_pb2 as pb
from services.rpc.server import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Script = Callable[[pb.StreamAnswerRequest], AsyncIterator[pb.StreamAnswerResponse]]

MODELS = ("alpine/edelweiss-7b", "harbour-70b")


class ScriptedRouter(router_service_pb2_grpc.RouterServiceServicer):
    """Streams what its script yields, and keeps what it was asked."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or spider
        self.requests: list[pb.StreamAnswerRequest] = []
        self.metadata: list[dict[str, str]] = []
        self.time_remaining_s = 0.0
        self.lookups = 0
        self.feedback: list[pb.RecordFeedbackRequest] = []
        self.feedback_error: RouteMoAError | None = None
        """Raised for feedback, if it is set."""
        self.token = ""
        """Required of every call, if it is set."""
        self.models: tuple[str, ...] = MODELS
        self.cancelled = asyncio.Event()
        self.cancelled_s = 0.0

    async def StreamAnswer(
        self, request: pb.StreamAnswerRequest, context: Any
    ) -> AsyncIterator[pb.StreamAnswerResponse]:
        self._authenticate(context)
        self.requests.append(request)
        self.time_remaining_s = context.time_remaining()
        try:
            async for event in self.script(request):
                yield event
        except asyncio.CancelledError:
            self.cancelled_s = time.perf_counter()
            self.cancelled.set()
            raise

    async def GenerateAnswer(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    async def RouteQuery(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    async def GetRouterInfo(self, request: Any, context: Any) -> pb.GetRouterInfoResponse:
        self._authenticate(context)
        self.lookups += 1
        return pb.GetRouterInfoResponse(
            strategies=["routemoa", "cascade", "single"], presets=["small-pool"]
        )

    async def ListModels(self, request: Any, context: Any) -> pb.ListModelsResponse:
        self._authenticate(context)
        models = [
            model_pb2.Model(
                model_id=model_id,
                prompt_price_usd_per_million_tokens=1,
                context_window_token_count=8192,
                capabilities=[model_pb2.CAPABILITY_TOOLS],
            )
            for model_id in self.models
        ]
        return pb.ListModelsResponse(models=models)

    async def RecordFeedback(
        self, request: pb.RecordFeedbackRequest, context: Any
    ) -> pb.RecordFeedbackResponse:
        self._authenticate(context)
        if self.feedback_error is not None:
            raise self.feedback_error
        known = {(item.decision_id, item.feedback_id) for item in self.feedback}
        self.feedback.append(request)
        repeated = (request.decision_id, request.feedback_id) in known
        return pb.RecordFeedbackResponse(already_recorded=repeated)

    def _authenticate(self, context: Any) -> None:
        metadata = dict(context.invocation_metadata())
        self.metadata.append(metadata)
        if self.token and metadata.get("authorization") != f"Bearer {self.token}":
            raise UnknownTenantError("the call's token belongs to no tenant")


@asynccontextmanager
async def scripted_router_app(servicer: ScriptedRouter) -> AsyncIterator[Service]:
    yield Service(
        name="routemoa.v1.RouterService",
        register=lambda server: router_service_pb2_grpc.add_RouterServiceServicer_to_server(
            servicer, server
        ),
    )


def routing() -> pb.StreamAnswerResponse:
    ranked = pb.RankedModel(
        model_id=MODELS[0],
        score=0.8,
        selection_reason=pb.SELECTION_REASON_RANK,
        explanation="0.80 likely to answer well",
    )
    decision = pb.RoutingDecision(
        layer_number=1, ranked_models=[ranked], selected_model_ids=MODELS, uncertainty=0.25
    )
    return pb.StreamAnswerResponse(routing=decision)


def delta(text: str = "", **fields: Any) -> pb.StreamAnswerResponse:
    return pb.StreamAnswerResponse(delta=pb.AnswerDelta(text=text, **fields))


def reset() -> pb.StreamAnswerResponse:
    status = pb.CALL_STATUS_INTERRUPTED
    return pb.StreamAnswerResponse(reset=pb.AnswerReset(status=status))


def result(text: str = "", **answer: Any) -> pb.StreamAnswerResponse:
    usage = [
        pb.UsageEntry(
            model_id=model_id,
            purpose=pb.CALL_PURPOSE_ANSWER,
            status=pb.CALL_STATUS_OK,
            prompt_token_count=40,
            completion_token_count=20,
            cached_prompt_token_count=8,
            reasoning_token_count=3,
            cost_usd=0.0004,
        )
        for model_id in MODELS
    ]
    fields = {"finish_reason": model_pb2.FINISH_REASON_STOP, **answer}
    return pb.StreamAnswerResponse(
        result=pb.GenerateAnswerResponse(
            answer=model_pb2.Answer(
                model_id=MODELS[1],
                text=text,
                prompt_token_count=40,
                completion_token_count=20,
                **fields,
            ),
            layers=[pb.LayerReport(layer_number=1, selected_model_ids=MODELS)],
            stop_reason=pb.STOP_REASON_AGREEMENT,
            usage=usage,
            cost_usd=0.0008,
            strategy="routemoa",
            decision_id="decision-1",
        )
    )


async def spider(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
    """Answers in two pieces."""
    yield routing()
    yield delta("Eight ")
    yield delta("legs. \N{SPIDER}")
    yield result("Eight legs. \N{SPIDER}")


async def silence(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
    """Says which models run, and nothing else."""
    yield routing()
    await asyncio.Event().wait()


def failing(error: Exception, *before: pb.StreamAnswerResponse) -> Script:
    """Returns a script that sends some events and fails."""

    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        for event in before:
            yield event
        raise error

    return script


def sending(*events: pb.StreamAnswerResponse) -> Script:
    """Returns a script that sends some events."""

    async def script(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
        for event in events:
            yield event

    return script
