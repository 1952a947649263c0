"""One path: request -> call to the router -> reply, whatever goes wrong."""

from __future__ import annotations

import asyncio
import time
import traceback
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from routemoa.v1 import router_service_pb2 as pb
from services.gateway.api import ApiError, ErrorKind
from services.gateway.caller import metadata_of
from services.gateway.extension import timeout_s
from services.gateway.http.body import Bodies
from services.gateway.http.client_watch import ClientGoneError, while_client_stays
from services.gateway.http.error_headers import error_headers
from services.gateway.http.exchange import Exchange
from services.gateway.metrics import (
    BROKEN_STREAMS,
    CLIENT_GONE,
    FIRST_BYTE_SECONDS,
    REQUESTS,
    SECONDS,
)
from services.gateway.stream_reply import StreamReply, result_headers
from services.rpc.telemetry import CALLS_LIMIT, IN_FLIGHT, REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import Receive, Scope, Send

    from services.gateway.api import Api, Call
    from services.gateway.models import ModelNames
    from services.gateway.upstream.router_client import Metadata, RouterClient

    ErrorForm = Callable[[ApiError, str], tuple[int, dict[str, Any]]]
    """Returns the status and the body of an error, which has a request id."""

OVERLOAD_RETRY_S = 0.25
IDEMPOTENCY_KEY = "idempotency-key"
"""The header with which a retry is safe."""
FAILING_S = 1.0
"""Time for a client to take an error."""
_log = structlog.get_logger()
_overloaded = REFUSED.labels("overloaded")


@dataclass(slots=True, kw_only=True)
class Core:
    """The parts that all endpoints share."""

    router: RouterClient
    names: ModelNames
    default_timeout_s: float
    keep_alive_s: float
    max_calls: int
    bodies: Bodies = field(default_factory=Bodies)
    in_flight: int = 0

    def __post_init__(self) -> None:
        CALLS_LIMIT.set(self.max_calls)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Counts a request as in flight.

        Raises:
            ApiError: As many as may be are in flight.
        """
        if self.in_flight >= self.max_calls:
            _overloaded.inc()
            raise ApiError(
                ErrorKind.OVERLOADED,
                f"{self.max_calls} requests are in flight, which is the limit",
                code="ERROR_REASON_OVERLOADED",
                retry_after_s=OVERLOAD_RETRY_S,
                retryable=True,
            )
        self.in_flight += 1
        IN_FLIGHT.inc()
        try:
            yield
        finally:
            self.in_flight -= 1
            IN_FLIGHT.dec()


class Handling(Protocol):
    """The work for one request."""

    async def answer(self) -> None:
        """Sends the reply.

        Raises:
            ApiError: The request is wrong, or the call failed.
            ClientGoneError: The client went away.
        """

    async def fail(self, error: ApiError) -> None:
        """Sends an error, also where the reply has begun."""


class Endpoint:
    """The ASGI endpoint of one path.

    Args:
        name: Its name in metrics and logs.
        core: The shared parts.
        handling: Makes the work for a request.
    """

    def __init__(self, name: str, core: Core, handling: Callable[[Exchange], Handling]) -> None:
        self._name = name
        self._core = core
        self._handling = handling
        self._seconds = SECONDS.labels(name)
        self._first_byte_seconds = FIRST_BYTE_SECONDS.labels(name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        exchange = Exchange(scope, receive, send)
        handling = self._handling(exchange)
        error: ApiError | None = None
        try:
            with self._core.admitted():
                await handling.answer()
        except ClientGoneError:
            exchange.status = CLIENT_GONE
        except ApiError as failure:
            error = failure
            await handling.fail(failure)
        except asyncio.CancelledError:  # by the server, at the end of its time to drain
            error = _shutting_down()
            await handling.fail(error)
        except Exception as failure:  # noqa: BLE001  # a request fails alone
            self._log_failure(exchange, failure)
            error = ApiError(ErrorKind.INTERNAL, "the gateway failed; its log says more")
            await handling.fail(error)
        finally:
            self._record(exchange, error)

    def _log_failure(self, exchange: Exchange, failure: Exception) -> None:
        # Without its text, which may hold a prompt.
        frame = traceback.extract_tb(failure.__traceback__)[-1]
        _log.error(
            "request_failed",
            api=self._name,
            error=type(failure).__name__,
            where=f"{frame.filename}:{frame.lineno}",
            request_id=exchange.request_id,
        )

    def _record(self, exchange: Exchange, error: ApiError | None) -> None:
        duration_s = time.perf_counter() - exchange.started_s
        REQUESTS.labels(self._name, str(exchange.status)).inc()
        self._seconds.observe(duration_s)
        if exchange.first_byte_s is not None:
            self._first_byte_seconds.observe(exchange.first_byte_s)
        if error is not None and exchange.status == 200:
            BROKEN_STREAMS.labels(self._name, error.kind.value).inc()
        refused = error is not None and error.kind is ErrorKind.OVERLOADED
        (_log.debug if refused else _log.info)(
            "request",
            api=self._name,
            status=exchange.status,
            reason=None if error is None else error.code or error.kind.value,
            duration_ms=round(duration_s * 1000, 3),
            request_id=exchange.request_id,
        )


class Answering:
    """The work for one request for an answer.

    Args:
        api: The API that it came by.
        core: The shared parts.
        exchange: The request, and where the reply goes.
    """

    def __init__(self, api: Api, core: Core, exchange: Exchange) -> None:
        self._api = api
        self._core = core
        self._exchange = exchange
        self._stream_reply: StreamReply | None = None

    async def answer(self) -> None:
        """Sends the reply.

        Raises:
            ApiError: The request is wrong, or the call failed.
            ClientGoneError: The client went away.
        """
        exchange, core = self._exchange, self._core
        with core.bodies.of(exchange) as body:
            call = self._api.read(await body.json(), exchange.headers)
            call.request.ranking_view = pb.RANKING_VIEW_FULL
            if key := exchange.headers.get(IDEMPOTENCY_KEY):
                call.request.request_id = key
            metadata = metadata_of(exchange)
            time_s = timeout_s(exchange.headers, core.default_timeout_s)
            await (self._stream if call.stream else self._whole)(call, metadata, time_s)

    async def fail(self, error: ApiError) -> None:
        """Sends an error, also where the reply has begun."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FAILING_S):
                if self._exchange.is_whole:
                    return
                if self._exchange.status is None:
                    await send_error(self._exchange, self._api.error, error)
                elif self._stream_reply is not None:
                    await self._stream_reply.fail(error)

    async def _stream(self, call: Call, metadata: Metadata, time_s: float) -> None:
        keep_alive_s = self._core.keep_alive_s
        writer = self._api.writer(call)
        reply = StreamReply(self._exchange, writer, call, keep_alive_s=keep_alive_s)
        self._stream_reply = reply
        async with while_client_stays(
            self._exchange, interval_s=keep_alive_s / 2, on_interval=reply.keep_alive
        ):
            await self._core.names.apply(call.model, call.request.policy, metadata)
            events = self._core.router.answer(call.request, timeout_s=time_s, metadata=metadata)
            async with aclosing(events):
                await reply.send(events)

    async def _whole(self, call: Call, metadata: Metadata, time_s: float) -> None:
        async with while_client_stays(self._exchange):
            await self._core.names.apply(call.model, call.request.policy, metadata)
            result = await self._result(call, metadata, time_s)
        body = self._api.reply(call, result)
        await self._exchange.send_json(200, body, result_headers(result))

    async def _result(
        self, call: Call, metadata: Metadata, time_s: float
    ) -> pb.GenerateAnswerResponse:
        # By the stream: it tells whether models were called before a failure.
        call.request.full_result = True
        events = self._core.router.answer(call.request, timeout_s=time_s, metadata=metadata)
        async with aclosing(events):
            async for event in events:
                if event.HasField("result"):
                    return event.result
                if event.HasField("routing"):
                    call.routing.append(event.routing)
        raise ApiError(ErrorKind.INTERNAL, "the router's stream ended without a result")


async def send_error(exchange: Exchange, form: ErrorForm, error: ApiError) -> None:
    """Sends an error as a whole response."""
    status, body = form(error, exchange.request_id)
    await exchange.send_json(status, body, error_headers(error, status))


def _shutting_down() -> ApiError:
    return ApiError(
        ErrorKind.OVERLOADED,
        "the gateway is shutting down",
        code="ERROR_REASON_DRAINING",
        retry_after_s=OVERLOAD_RETRY_S,
    )
