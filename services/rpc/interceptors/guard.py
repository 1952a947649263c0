"""Turns guards into one gRPC interceptor.

A guard is a context manager around a call: it runs before the handler, and again after it, even
after an error. Unary and streaming calls go through the same guards, so each behaviour is written
once. A streaming handler is closed as soon as its call ends, so that what it awaits is cancelled.
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
CACHE_SALT_KEY = "x-routemoa-cache-salt"
"""The scorer shares no scores between calls whose values of it differ."""
MAX_REQUEST_ID_CHARACTERS = 128
"""A longer id is cut: it goes into every log line of the call and into its error."""
GUARDED_PREFIX = "/routemoa."
MAX_SHEDDING_HANDLERS = 256
"""Cached handlers, one per method and shed reason: to build one per call would add to the load."""
_DETAILS_KEY = "grpc-status-details-bin"

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(slots=True, kw_only=True)
class Call:
    """One call: its data that the guards read and set."""

    method: str
    """The full method name, e.g. `/routemoa.v1.ScorerService/RankModels`."""
    context: Context
    request_id: str
    """The caller's `x-request-id`, or a new one."""
    started_s: float = field(default_factory=time.perf_counter)
    code: grpc.StatusCode = grpc.StatusCode.OK
    """The status that the call ended with; set by the errors guard."""
    reason: str | None = None
    """The name of the `ErrorReason`; None if there is none."""


Guard = Callable[[Call], AbstractContextManager[None]]


class _Undecodable:
    """Replaces a request that could not be decoded."""


class GuardInterceptor(grpc.aio.ServerInterceptor):
    """Runs guards, outermost first, around every call to a RouteMoA service.

    A `RouteMoAError` of a guard or of the handler ends the call with the status of that error.

    Args:
        guards: The guards, the outermost first.
        shed_reason: Returns the error for a new call of a method that must be shed; None if it is
            admitted. The same object for the same reason. A shed call gets the error before its
            request is read, and only the outermost guard runs.
    """

    def __init__(
        self, guards: list[Guard], *, shed_reason: Callable[[str], RouteMoAError | None]
    ) -> None:
        self.guards = guards
        self._shed_reason = shed_reason
        self._handlers: dict[str, Any] = {}
        self._shedding = lru_cache(MAX_SHEDDING_HANDLERS)(self._shedding_handler)

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails],
            Awaitable[grpc.RpcMethodHandler[RequestT, ResponseT] | None],
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[RequestT, ResponseT] | None:
        """Wraps the handler of a method; those of health and reflection are left unchanged."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith(GUARDED_PREFIX):
            return handler
        wrapped: grpc.RpcMethodHandler[RequestT, ResponseT] | None
        if (error := self._shed_reason(method)) is not None:
            wrapped = self._shedding(method, error)
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

    def _shedding_handler(self, method: str, error: RouteMoAError) -> Any:
        trailing_metadata = _trailing_metadata(error)

        async def shed(_: Any, context: Context) -> None:
            call = _call(method, context)
            call.code, call.reason = error.code, error.reason
            with self.guards[0](call):
                context.set_code(error.code)
                context.set_details(error.message)
                context.set_trailing_metadata(trailing_metadata)

        # A stream handler even for unary methods: gRPC would read a unary request before it calls the
        # handler.
        return grpc.stream_stream_rpc_method_handler(shed)

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
    return f"{random.getrandbits(128):032x}"  # unique, not secret


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
        "the request cannot be decoded: it is not the method's message, or holds text that is not UTF-8"
    )
