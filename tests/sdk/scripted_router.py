"""A router that plays the answers of the cases, behind the interceptors of every service.

request id -> case -> its answers; what arrived is kept per request id, which is `client/case`.
"""

from __future__ import annotations

import asyncio
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.json_format import ParseDict

from routemoa.errors import ERRORS, FieldViolation, RouteMoAError
from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb
from tests.conformance.server import Stage
from tests.sdk.case import finish_name, text_pieces, usage_entries

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from google.protobuf.descriptor import ServiceDescriptor

    from services.rpc.interceptors.call import Context
    from tests.sdk.case import Case, Json

_INFO = pb.GetRouterInfoResponse(
    strategies=["routemoa", "moa", "single", "cascade"],
    default_strategy="routemoa",
    presets=["small-pool"],
)
_MODELS = pb.ListModelsResponse(
    models=[
        model_pb2.Model(model_id=model_id, context_window_token_count=8_192)
        for model_id in ("org/alpha", "org/beta")
    ]
)
_SERIALIZED: dict[str, Any] = {"response_serializer": lambda message: message.SerializeToString()}


class ScriptedRouter(Stage):
    """Plays the answers, and tells every caller of the same pool."""

    def __init__(self, cases: Sequence[Case]) -> None:
        super().__init__(())
        self._scripts = {case.key: case for case in cases}

    def handlers(self, service: ServiceDescriptor) -> grpc.GenericRpcHandler:
        """Returns the handlers of the methods that the gateway calls."""
        stream = grpc.unary_stream_rpc_method_handler(
            self._answer, request_deserializer=pb.StreamAnswerRequest.FromString, **_SERIALIZED
        )
        handlers = {
            "StreamAnswer": stream,
            "GetRouterInfo": _fixed(pb.GetRouterInfoRequest.FromString, _INFO),
            "ListModels": _fixed(pb.ListModelsRequest.FromString, _MODELS),
        }
        return grpc.method_handlers_generic_handler(service.full_name, handlers)

    async def _answer(
        self, request: pb.StreamAnswerRequest, context: Context
    ) -> AsyncGenerator[pb.StreamAnswerResponse, None]:
        request_id = str(dict(context.invocation_metadata() or ())["x-request-id"])
        case, record = self._scripts[request_id.split("/")[1]], self.record(request_id)
        record.requests.append(request)
        number = len(record.requests)
        answer = _with_names(case.answers[min(number, len(case.answers)) - 1], request)
        fails = case.error is not None and number <= (case.fail_attempts or number)
        if fails and not answer.get("breaks"):
            raise _error(case.error or {})
        yield pb.StreamAnswerResponse(routing=pb.RoutingDecision(layer_number=1))
        for delta in _deltas(answer):
            await asyncio.sleep(answer.get("delay_ms", 0) / 1000)
            yield pb.StreamAnswerResponse(delta=delta)
        if fails:
            raise _error(case.error or {})
        if answer.get("reset"):
            yield pb.StreamAnswerResponse(reset=pb.AnswerReset())
        if answer.get("hang"):
            await asyncio.Event().wait()
        yield pb.StreamAnswerResponse(result=_result(answer))


def _fixed(deserialize: Any, response: object) -> grpc.RpcMethodHandler[Any, Any]:
    """Returns the handler of a method that always answers the same."""

    async def answer(_request: object, _context: object) -> object:
        return response

    return grpc.unary_unary_rpc_method_handler(
        answer, request_deserializer=deserialize, **_SERIALIZED
    )


def _with_names(answer: Json, request: pb.StreamAnswerRequest) -> Json:
    """Returns the answer with the request's first tool in the place of `$tool`."""
    calls = [
        [call_id, request.options.tools[0].name if name == "$tool" else name, arguments]
        for call_id, name, arguments in answer.get("tool_calls", ())
    ]
    return answer | {"tool_calls": calls} if calls else answer


def _error(content: Json) -> RouteMoAError:
    kind = ERRORS[content["reason"]]
    error = kind.__new__(kind)
    RouteMoAError.__init__(error, content["message"])
    error.violations = tuple(FieldViolation(**item) for item in content.get("violations", ()))
    if "retry_delay_ms" in content:
        error.retry_delay_s = content["retry_delay_ms"] / 1000
    return error


def _deltas(answer: Json) -> Iterator[pb.AnswerDelta]:
    if "reasoning" in answer:
        yield pb.AnswerDelta(reasoning=answer["reasoning"])
    for text in text_pieces(answer):
        yield pb.AnswerDelta(text=text, log_probabilities=_log_probabilities(answer))
    if "refusal" in answer:
        yield pb.AnswerDelta(refusal=answer["refusal"])
    pieces = [
        list(_call_pieces(index, *call)) for index, call in enumerate(answer.get("tool_calls", ()))
    ]
    if answer.get("alternate"):
        pieces = [[piece for piece in turn if piece] for turn in zip_longest(*pieces)]
    for piece in (piece for turn in pieces for piece in turn):
        yield pb.AnswerDelta(tool_calls=[piece])


def _call_pieces(index: int, call_id: str, name: str, arguments: str) -> Iterator[pb.ToolCallDelta]:
    yield pb.ToolCallDelta(call_index=index, tool_call_id=call_id, name=name)
    for start in range(0, len(arguments), 5):
        yield pb.ToolCallDelta(call_index=index, arguments_json=arguments[start : start + 5])


def _result(answer: Json) -> pb.GenerateAnswerResponse:
    usage = [
        pb.UsageEntry(
            model_id="org/alpha",
            prompt_token_count=entry["prompt"],
            cached_prompt_token_count=entry.get("cached", 0),
            completion_token_count=entry["completion"],
        )
        for entry in usage_entries(answer)
    ]
    calls = [
        model_pb2.ToolCall(tool_call_id=call_id, name=name, arguments_json=arguments)
        for call_id, name, arguments in answer.get("tool_calls", ())
    ]
    return pb.GenerateAnswerResponse(
        answer=model_pb2.Answer(
            model_id="org/alpha",
            text="".join(text_pieces(answer)),
            reasoning=answer.get("reasoning", ""),
            refusal=answer.get("refusal", ""),
            tool_calls=calls,
            log_probabilities=_log_probabilities(answer),
            finish_reason=model_pb2.FinishReason.Value(f"FINISH_REASON_{finish_name(answer)}"),
        ),
        usage=usage,
        strategy="routemoa",
    )


def _log_probabilities(answer: Json) -> list[model_pb2.TokenLogProbability]:
    return [
        ParseDict(item, model_pb2.TokenLogProbability())
        for item in answer.get("log_probabilities", ())
    ]
