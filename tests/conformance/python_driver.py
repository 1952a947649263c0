"""`python -m tests.conformance.python_driver [--blocking]`: drives the Python client."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import aclosing, closing, suppress
from itertools import count
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict

from routemoa import RouteMoAClient, RouteMoAError, StreamedAnswer
from routemoa.blocking import BlockingClient
from routemoa.credentials import tls
from routemoa.v1.router_service_pb2 import (
    RANKING_VIEW_FULL,
    RANKING_VIEW_UNSPECIFIED,
    StreamAnswerResponse,
)
from tests.conformance.messages import request_message

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

    from google.protobuf.message import Message

    from tests.conformance.case import Json


def options_of(command: Json) -> Json:
    """Returns the client's keyword arguments."""
    security = command.get("security")
    address = command["address"]
    return {
        "scorer": address,
        "judge": address,
        "credentials": tls(**security) if security else None,
        "token": token_of(command),
        "plaintext_token": command.get("plaintext_token", False),
        "request_id": command["request_id"],
        "gzip": command.get("gzip", False),
        "metadata": command.get("metadata", {}).items,
    }


def token_of(command: Json) -> Callable[[], str] | None:
    """Returns the client's token function, if it has one."""
    numbers, text, failure = count(1), command.get("token"), command.get("token_failure")
    if failure is not None:

        def fail() -> str:
            message = f"{failure} {next(numbers)}"
            raise OSError(message)

        return fail
    return None if text is None else lambda: f"{text} {next(numbers)}"


def call_of(client: Any, method: str, requests: list[Any], timeout_s: float | None) -> Any:
    """Calls the method of either client that stands for an RPC."""
    request, limit = requests[0], {"timeout_s": timeout_s}
    policy, options = _given(request, "policy"), _given(request, "options")
    id_of = {"request_id": getattr(request, "request_id", "")}
    view = getattr(request, "ranking_view", RANKING_VIEW_UNSPECIFIED)
    views = {"full_ranking": view == RANKING_VIEW_FULL}
    calls: dict[str, Callable[[], Any]] = {
        "RankModels": lambda: client.rank(request.query, request.model_ids, **limit),
        "BatchRankModels": lambda: client.rank_many(
            [item.query for item in request.requests], **limit
        ),
        "GetScorerInfo": lambda: client.scorer_info(**limit),
        "RouteQuery": lambda: client.route(
            request.messages,
            policy,
            request.posterior_scores,
            options=options,
            **views,
            **limit,
        ),
        "GenerateAnswer": lambda: client.answer(
            request.messages, policy, options, **id_of, **limit
        ),
        "StreamAnswer": lambda: client.stream(
            request.messages,
            policy,
            options,
            full_result=request.full_result,
            **id_of,
            **views,
            **limit,
        ),
        "GetRouterInfo": lambda: client.router_info(**limit),
        "ListModels": lambda: client.models(**limit),
        "RecordFeedback": lambda: client.feedback(
            request.decision_id,
            request.score if request.HasField("score") else None,
            source=request.source,
            preferred_model_id=request.preferred_model_id,
            better_answer=request.better_answer,
            feedback_id=request.feedback_id,
            **limit,
        ),
        "AssessAnswers": lambda: client.assess(
            request.answers, request.prior_scores, request.previous_answers, **limit
        ),
    }
    return calls[method]()


def _given(request: Message, field: str) -> Any:
    """Returns a message in a request; None if it is not set."""
    has = field in request.DESCRIPTOR.fields_by_name and request.HasField(field)
    return getattr(request, field) if has else None


def content_of(result: Any, method: str) -> Json:
    """Returns a result in the shape of the RPC's response."""
    if method == "BatchRankModels":
        return {"responses": [json_of(item) for item in result]}
    if method == "ListModels":
        return {"models": [json_of(item) for item in result]}
    return json_of(result)


def json_of(message: Message) -> Json:
    return MessageToDict(message, preserving_proto_field_name=True)


def error_of(error: RouteMoAError) -> Json:
    """Returns what a caller can read from an error."""
    return {
        "reason": error.reason.replace("ERROR_REASON_UNSPECIFIED", ""),
        "code": error.code.name,
        "message": error.message,
        "metadata": dict(error.metadata),
        "violations": [{"field": v.field, "description": v.description} for v in error.violations],
        "retry_delay_ms": None
        if error.retry_delay_s is None
        else round(error.retry_delay_s * 1000),
        "retryable": error.retryable,
    }


async def run(
    client: RouteMoAClient, command: Json, responses: list[Json], streamed: StreamedAnswer
) -> None:
    """Makes one call with the asynchronous client."""
    method, requests, timeout_s = command["method"], *inputs_of(command)
    if method in {"StreamAnswer", "StreamRankModels"}:
        if method == "StreamRankModels":

            async def queries() -> AsyncIterator[str]:
                for request in requests:
                    yield request.request.query

            stream: AsyncGenerator[Any, None] = client.rank_stream(queries(), timeout_s=timeout_s)
        else:
            stream = call_of(client, method, requests, timeout_s)
        async with aclosing(stream) as items:
            async for item in items:
                responses.append(json_of(item))
                if method == "StreamAnswer":
                    streamed.add(item)
                if len(responses) == command.get("stop_after"):
                    break
        return
    for _ in range(command.get("repeat", 1) - 1):
        with suppress(RouteMoAError):
            await call_of(client, method, requests, timeout_s)
    result = await call_of(client, method, requests, timeout_s)
    responses.append(content_of(result, method))


def run_blocking(
    client: BlockingClient, command: Json, responses: list[Json], streamed: StreamedAnswer
) -> None:
    """Makes one call with the blocking client."""
    method, requests, timeout_s = command["method"], *inputs_of(command)
    if method in {"StreamAnswer", "StreamRankModels"}:
        stream: Iterator[Any]
        if method == "StreamRankModels":
            queries = (request.request.query for request in requests)
            stream = client.rank_stream(queries, timeout_s=timeout_s)
        else:
            stream = call_of(client, method, requests, timeout_s)
        with closing(stream):  # type: ignore[type-var]  # both are generators
            for item in stream:
                responses.append(json_of(item))
                if isinstance(item, StreamAnswerResponse):
                    streamed.add(item)
                if len(responses) == command.get("stop_after"):
                    break
        return
    for _ in range(command.get("repeat", 1) - 1):
        with suppress(RouteMoAError):
            call_of(client, method, requests, timeout_s)
    responses.append(content_of(call_of(client, method, requests, timeout_s), method))


def inputs_of(command: Json) -> tuple[list[Any], float | None]:
    """Returns the requests, and the time that a call may take."""
    requests = [request_message(command["method"], item) for item in command["requests"]]
    timeout_ms = command.get("timeout_ms")
    return requests, None if timeout_ms is None else timeout_ms / 1000


def answer(outcome: list[Json], error: RouteMoAError | None, streamed: StreamedAnswer) -> None:
    """Writes one outcome."""
    line = {
        "responses": outcome,
        "error": None if error is None else error_of(error),
        "answer": json_of(streamed.answer),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def serve() -> None:
    """Answers every line; a client lives until the next one, as its calls may go on."""
    client: RouteMoAClient | None = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        if client is not None:
            await client.__aexit__()
        client = RouteMoAClient(command["address"], **options_of(command))
        responses: list[Json] = []
        failure: RouteMoAError | None = None
        streamed = StreamedAnswer()
        try:
            await run(client, command, responses, streamed)
        except RouteMoAError as error:
            failure = error
        answer(responses, failure, streamed)


def serve_blocking() -> None:
    """As `serve`, without an event loop."""
    client: BlockingClient | None = None
    for line in sys.stdin:
        command = json.loads(line)
        if client is not None:
            client.close()
        client = BlockingClient(command["address"], **options_of(command))
        responses: list[Json] = []
        failure: RouteMoAError | None = None
        streamed = StreamedAnswer()
        try:
            run_blocking(client, command, responses, streamed)
        except RouteMoAError as error:
            failure = error
        answer(responses, failure, streamed)


if __name__ == "__main__":
    if "--blocking" in sys.argv:
        serve_blocking()
    else:
        asyncio.run(serve())
