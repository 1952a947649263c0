"""A router whose events a test scripts, and events to script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import ParseDict

from routemoa.errors import RouteMoAError, UnknownTenantError
from routemoa.v1 import model_pb2, router_service_pb2_grpc
from routemoa.v1 import router_service_pb2 as pb
from services.rpc.server import Service

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

Script = Callable[[pb.StreamAnswerRequest], AsyncIterator[pb.StreamAnswerResponse]]
ROUTER_NAME = "routemoa.v1.RouterService"
MODELS = ("alpine/edelweiss-7b", "harbour/lighthouse-70b", "meadow/clover-3b", "harbour/buoy-8b")


class ScriptedRouter(router_service_pb2_grpc.RouterServiceServicer):
    """Streams what its script yields; knows whether a call was cancelled."""

    def __init__(self) -> None:
        self.script: Script = spiders
        self.requests: list[pb.StreamAnswerRequest] = []
        self.tokens: list[str] = []
        self.cancelled = asyncio.Event()
        self.feedback: list[pb.RecordFeedbackRequest] = []
        self.feedback_error: RouteMoAError | None = None
        """Raised for feedback, if it is set."""
        self.token = ""
        """Required of every call, if it is set."""

    async def StreamAnswer(
        self, request: pb.StreamAnswerRequest, context: Any
    ) -> AsyncIterator[pb.StreamAnswerResponse]:
        self._authenticate(context)
        self.requests.append(request)
        try:
            async for event in self.script(request):
                yield event
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def GenerateAnswer(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    async def RouteQuery(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    async def ListModels(
        self, request: pb.ListModelsRequest, context: Any
    ) -> pb.ListModelsResponse:
        self._authenticate(context)
        return pb.ListModelsResponse(models=[_model(number) for number in range(len(MODELS))])

    async def GetRouterInfo(
        self, request: pb.GetRouterInfoRequest, context: Any
    ) -> pb.GetRouterInfoResponse:
        self._authenticate(context)
        info = pb.GetRouterInfoResponse(
            strategies=["routemoa", "cascade", "single"],
            default_strategy="routemoa",
            presets=["small-pool", "large-pool"],
        )
        info.max_duration.FromSeconds(120)
        return info

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
        given = dict(context.invocation_metadata()).get("authorization", "")
        self.tokens.append(given)
        if self.token and given != f"Bearer {self.token}":
            raise UnknownTenantError("the token is not known")


def scripted_router_app(servicer: ScriptedRouter) -> AbstractAsyncContextManager[Service]:
    """Returns the service of a scripted router."""

    @asynccontextmanager
    async def app() -> AsyncIterator[Service]:
        yield Service(
            name=ROUTER_NAME,
            register=lambda server: router_service_pb2_grpc.add_RouterServiceServicer_to_server(
                servicer, server
            ),
        )

    return app()


def event(**content: Any) -> pb.StreamAnswerResponse:
    """Returns an event from its JSON form."""
    return ParseDict(content, pb.StreamAnswerResponse())


def routing(number: int = 1, selected: Sequence[str] = MODELS[:3]) -> pb.StreamAnswerResponse:
    """Returns the decision of a layer over the pool."""
    ranked = []
    for place, model_id in enumerate(MODELS):
        runs = model_id in selected
        ranked.append(
            {
                "modelId": model_id,
                "score": 0.86 - 0.11 * place,
                "utility": 0.84 - 0.11 * place,
                "priorScore": 0.86 - 0.11 * place,
                "expectedCostUsd": 0.0042 / (place + 1),
                "expectedLatency": f"{2.4 - 0.5 * place:.1f}s",
                "selectionReason": f"SELECTION_REASON_{'RANK' if runs else 'SCORE_GAP'}",
                "explanation": f"0.{86 - 11 * place} likely to answer well"
                + ("; selected" if runs else "; too far below the best"),
            }
        )
    return event(
        routing={
            "layerNumber": number,
            "rankedModels": ranked,
            "selectedModelIds": list(selected),
            "uncertainty": 0.18,
        }
    )


def usage(model_id: str, **fields: Any) -> dict[str, Any]:
    """Returns a ledger entry in its JSON form."""
    return {
        "modelId": model_id,
        "purpose": "CALL_PURPOSE_ANSWER",
        "status": "CALL_STATUS_OK",
        "attemptKind": "ATTEMPT_KIND_FIRST",
        "layerNumber": 1,
        "promptTokenCount": 40,
        "completionTokenCount": 60,
        "costUsd": 0.0004,
        "duration": "0.3s",
        "timeToFirstToken": "0.1s",
        **fields,
    }


def layer(
    answers: Mapping[str, str], entries: Sequence[dict[str, Any]] = (), number: int = 1
) -> pb.StreamAnswerResponse:
    """Returns the report of a layer whose models gave these answers."""
    graded = number > 1
    return event(
        layer={
            "layerNumber": number,
            "selectedModelIds": list(MODELS[:3]),
            "answers": [
                {
                    "modelId": model_id,
                    "text": text,
                    "completionTokenCount": 60,
                    "selfScore": 0.8,
                    "finishReason": "FINISH_REASON_STOP",
                    "grades": [{"modelId": MODELS[0], "score": 0.9}] if graded else [],
                }
                for model_id, text in answers.items()
            ],
            "assessments": [
                {"modelId": model_id, "posteriorScore": 0.9, "selfScore": 0.8, "crossScore": 0.85}
                for model_id in answers
            ],
            "usage": list(entries) or [usage(model_id) for model_id in answers],
            "duration": "0.3s",
        }
    )


def delta(text: str) -> pb.StreamAnswerResponse:
    """Returns a piece of the final answer."""
    return event(delta={"text": text})


def result(text: str = "", **fields: Any) -> pb.StreamAnswerResponse:
    """Returns the result of an answer."""
    entry = usage(MODELS[1], purpose="CALL_PURPOSE_AGGREGATION", duration="0.2s")
    return event(
        result={
            "answer": {"modelId": MODELS[1], "text": text, "completionTokenCount": 48},
            "stopReason": "STOP_REASON_AGREEMENT",
            "usage": [usage(model_id) for model_id in MODELS[:3]] + [entry],
            "costUsd": 0.0016,
            "timing": {"totalDuration": "0.9s", "timeToFirstDelta": "0.5s"},
            "strategy": "routemoa",
            "decisionId": "decision-1",
            **fields,
        }
    )


async def spiders(request: pb.StreamAnswerRequest) -> AsyncIterator[pb.StreamAnswerResponse]:
    """An answer of one layer, without a pause."""
    yield routing()
    yield layer(dict.fromkeys(MODELS[:3], "It has eight legs. The answer is (B)."))
    yield delta("A spider has **eight** ")
    yield delta("legs.")
    yield result("A spider has **eight** legs.")


def _model(number: int) -> model_pb2.Model:
    content = {
        "modelId": MODELS[number],
        "promptPriceUsdPerMillionTokens": 3.0 / (number + 1),
        "completionPriceUsdPerMillionTokens": 12.0 / (number + 1),
        "medianLatency": f"{2.4 - 0.5 * number:.1f}s",
        "contextWindowTokenCount": 131072,
        "capabilities": ["CAPABILITY_TOOLS", "CAPABILITY_JSON_SCHEMA"] if number < 2 else [],
    }
    return ParseDict(content, model_pb2.Model())
