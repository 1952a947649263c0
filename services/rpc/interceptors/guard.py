"""Turns guards into one gRPC interceptor.

A guard is a context manager around a call: it runs before the handler, and after it however it
ends. Unary and streaming calls go through the same guards, so each behaviour is written once. Handlers
that stream are closed as soon as the call ends, so that cancellation reaches what they wait for.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack, aclosing
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar, cast

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from routemoa.errors import InvalidFieldError, RouteMoAError, to_status

REQUEST_ID_KEY = "x-request-id"
MAX_REQUEST_ID_CHARACTERS = 128
"""The rest is cut off: the id goes into every log line of the call and into its error."""
GUARDED_PREFIX = "/routemoa."
REASONS_KEPT = 256
"""Handlers that refuse are kept by method and reason, for so many: overload is no time to make them."""
_DETAILS_KEY = "grpc-status-details-bin"

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(slots=True, kw_only=True)
class Call:
    """One call, as the guards see it."""

    method: str
    """Full method name, e.g. `/routemoa.v1.ScorerService/RankModels`."""
    context: Context
    request_id: str
    """The caller's `x-request-id`, or a new one."""
    started_s: float = field(default_factory=time.perf_counter)
    code: grpc.StatusCode = grpc.StatusCode.OK
    """How the call ended; set by the errors guard."""
    reason: str | None = None
    """The name of the `ErrorReason`, if there is one."""


Guard = Callable[[Call], AbstractContextManager[None]]


class _Undecodable:
    """Stands for a request whose bytes are not the message that the method takes."""


class GuardInterceptor(grpc.aio.ServerInterceptor):
    """Runs guards, outermost first, around every call to a RouteMoA service.

    What they or the handler raise of the contract's errors ends the call with its status.

    Args:
        guards: What runs around each call.
        refusal: Returns why a call of a method that comes now is refused, or None; the same error
            for the same reason. A refused call is answered before anything of it is read, and only the
            outermost guard sees it.
    """

    def __init__(
        self, guards: list[Guard], *, refusal: Callable[[str], RouteMoAError | None]
    ) -> None:
        self.guards = guards
        self._refusal = refusal
        self._handlers: dict[str, Any] = {}
        self._refused = lru_cache(REASONS_KEPT)(self._refusing)

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails],
            Awaitable[grpc.RpcMethodHandler[RequestT, ResponseT] | None],
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[RequestT, ResponseT] | None:
        """Wraps the handler of a method; health and reflection stay as they are."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith(GUARDED_PREFIX):
            return handler
        wrapped: grpc.RpcMethodHandler[RequestT, ResponseT] | None
        if (error := self._refusal(method)) is not None:
            wrapped = self._refused(method, error)
            return wrapped
        wrapped = self._handlers.get(method)
        if wrapped is None:
            wrapped = self._handlers[method] = self._wrapped(method, handler)
        return wrapped

    def _wrapped(self, method: str, handler: Any) -> Any:
        coding = {
            "request_deserializer": _tolerant(handler.request_deserializer),
            "response_serializer": handler.response_serializer,
        }
        if not handler.response_streaming:
            unary = self._unary(method, handler.unary_unary)
            return grpc.unary_unary_rpc_method_handler(unary, **coding)
        if handler.request_streaming:
            streaming = self._streaming(method, handler.stream_stream)
            return grpc.stream_stream_rpc_method_handler(streaming, **coding)
        streaming = self._streaming(method, handler.unary_stream)
        return grpc.unary_stream_rpc_method_handler(streaming, **coding)

    def _unary(self, method: str, inner: Any) -> Callable[[Any, Context], Awaitable[Any]]:
        async def handle(request: Any, context: Context) -> Any:
            try:
                with ExitStack() as stack:
                    self._enter(stack, method, context)
                    if isinstance(request, _Undecodable):
                        raise _undecodable_error()
                    return await inner(request, context)
            except RouteMoAError as error:
                await _abort(context, error)

        return handle

    def _streaming(self, method: str, inner: Any) -> Callable[[Any, Context], Awaitable[None]]:
        async def handle(request: Any, context: Context) -> None:
            try:
                with ExitStack() as stack:
                    self._enter(stack, method, context)
                    if isinstance(request, _Undecodable):
                        raise _undecodable_error()
                    if hasattr(request, "__aiter__"):
                        request = _decoded(request)
                    async with aclosing(inner(request, context)) as responses:
                        async for response in responses:
                            await context.write(response)
            except RouteMoAError as error:
                await _abort(context, error)

        return handle

    def _refusing(self, method: str, error: RouteMoAError) -> Any:
        trailing_metadata = _trailing_metadata(error)

        async def refuse(_: Any, context: Context) -> None:
            call = _call(method, context)
            call.code, call.reason = error.code, error.reason
            with self.guards[0](call):
                context.set_code(error.code)
                context.set_details(error.message)
                context.set_trailing_metadata(trailing_metadata)

        # Of whatever method: gRPC reads a unary request before it calls the handler, a stream's not.
        return grpc.stream_stream_rpc_method_handler(refuse)

    def _enter(self, stack: ExitStack, method: str, context: Context) -> None:
        call = _call(method, context)
        for guard in self.guards:
            stack.enter_context(guard(call))


def _call(method: str, context: Context) -> Call:
    return Call(method=method, context=context, request_id=_request_id(context))


def _request_id(context: Context) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_KEY and value:
            return cast("str", value)[:MAX_REQUEST_ID_CHARACTERS]
    return f"{random.getrandbits(128):032x}"  # it only has to be another one


async def _abort(context: Context, error: RouteMoAError) -> None:
    await context.abort(error.code, error.message, _trailing_metadata(error))


def _trailing_metadata(error: RouteMoAError) -> tuple[tuple[str, bytes]]:
    return ((_DETAILS_KEY, to_status(error).SerializeToString()),)


def _tolerant(decode: Callable[[bytes], Any] | None) -> Callable[[bytes], Any] | None:
    if decode is None:
        return None

    def tolerant(data: bytes) -> Any:
        try:
            return decode(data)
        except DecodeError:
            return _Undecodable()

    return tolerant


async def _decoded(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        if isinstance(request, _Undecodable):
            raise _undecodable_error()
        yield request


def _undecodable_error() -> InvalidFieldError:
    return InvalidFieldError(
        "the request's bytes are not the message that the method takes, or hold text that is not UTF-8"
    )
