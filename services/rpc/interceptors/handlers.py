"""Handlers of gRPC methods, with guards around them.

For gRPC every handler takes a stream of requests, even that of a method with a single request. So the
guards run before gRPC receives the request, and a refused call costs no memory for it. A streaming
handler is closed as soon as its call ends, so that what it awaits is cancelled.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from routemoa.errors import InvalidFieldError, RouteMoAError
from routemoa.rpc_status import to_status
from services.rpc.interceptors.call import new_call
from services.rpc.tracing.origin import ids

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from services.rpc.interceptors.call import Call, Context, Guard, Guards
    from services.rpc.interceptors.intake import Intake, Intakes

_DETAILS_KEY = "grpc-status-details-bin"


class _Undecodable:
    """Replaces a request that could not be decoded."""


def guarded(method: str, handler: Any, guards: Guards, intakes: Intakes) -> Any:
    """Returns a method's handler with guards around it."""
    coding = {
        "request_deserializer": _tolerant(handler.request_deserializer),
        "response_serializer": handler.response_serializer,
    }
    if not handler.response_streaming:
        unary = _unary(method, handler.unary_unary, guards, intakes.single)
        return grpc.stream_unary_rpc_method_handler(unary, **coding)
    if handler.request_streaming:
        both = _streaming(method, handler.stream_stream, guards, intakes.streamed, many=True)
        return grpc.stream_stream_rpc_method_handler(both, **coding)
    streaming = _streaming(method, handler.unary_stream, guards, intakes.single, many=False)
    return grpc.stream_stream_rpc_method_handler(streaming, **coding)


def shedding(method: str, error: RouteMoAError, guard: Guard) -> Any:
    """Returns a handler that ends calls with an error and receives no request."""
    trailing_metadata = _trailing_metadata(error)

    async def shed(_: Any, context: Context) -> None:
        call = new_call(method, context)
        call.code, call.reason = error.code, error.reason
        with guard(call):
            context.set_code(error.code)
            context.set_details(error.message)
            context.set_trailing_metadata(trailing_metadata)

    return grpc.stream_stream_rpc_method_handler(shed)


def _unary(
    method: str, inner: Any, guards: Guards, intake: Intake
) -> Callable[[Any, Context], Awaitable[Any]]:
    async def handle(_: Any, context: Context) -> Any:
        call = new_call(method, context)
        try:
            with guards.measure(call), guards.translate(call):
                for check in guards.checks:
                    check(call)
                with guards.admit(call):
                    try:
                        return await inner(await _request(call, intake), context)
                    except asyncio.CancelledError:
                        _raise_end_error(call)
                        raise
        except RouteMoAError as error:
            await _abort(context, error)

    return handle


def _streaming(
    method: str, inner: Any, guards: Guards, intake: Intake, *, many: bool
) -> Callable[[Any, Context], Awaitable[None]]:
    async def handle(_: Any, context: Context) -> None:
        call = new_call(method, context, streams_requests=many)
        try:
            with guards.measure(call), guards.translate(call):
                for check in guards.checks:
                    check(call)
                with guards.admit(call):
                    try:
                        request = _requests(call, intake) if many else await _request(call, intake)
                        await _respond(call, inner(request, context))
                    except asyncio.CancelledError:
                        _raise_end_error(call)
                        raise
        except RouteMoAError as error:
            await _abort(context, error)

    return handle


async def _respond(call: Call, responding: Any) -> None:
    """Sends the responses of a handler, or awaits one that sends them itself."""
    if inspect.isawaitable(responding):
        await responding
        return
    async with aclosing(responding) as responses:
        async for response in responses:
            call.writing_since_s = time.monotonic()
            await call.context.write(response)
            call.responded()


async def _request(call: Call, intake: Intake) -> Any:
    """Returns the only request of a call."""
    request = await intake.read(call)
    if request is grpc.aio.EOF:
        await asyncio.sleep(0)  # a caller that went away cancels the call here
        raise InvalidFieldError("the call has no request")
    if isinstance(request, _Undecodable):
        raise _undecodable_error()
    return request


async def _requests(call: Call, intake: Intake) -> AsyncIterator[Any]:
    """Yields the requests of a stream."""
    while (request := await intake.read(call)) is not grpc.aio.EOF:
        if isinstance(request, _Undecodable):
            raise _undecodable_error()
        call.owed_responses += 1
        yield request


def _raise_end_error(call: Call) -> None:
    """Raises the error that the service ended the call with; does nothing if it did not."""
    if call.end_error is None:
        return
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  # a handler runs in a task
    task.uncancel()
    raise call.end_error from None


async def _abort(context: Context, error: RouteMoAError) -> None:
    await context.abort(error.code, error.message, _trailing_metadata(error, ids()))


def _trailing_metadata(
    error: RouteMoAError, ids: Mapping[str, str] | None = None
) -> tuple[tuple[str, bytes]]:
    return ((_DETAILS_KEY, to_status(error, ids).SerializeToString()),)


def _tolerant(decode: Callable[[bytes], Any] | None) -> Callable[[bytes], Any] | None:
    if decode is None:
        return None

    def tolerant(data: bytes) -> Any:
        try:
            return decode(data)
        except DecodeError:
            return _Undecodable()

    return tolerant


def _undecodable_error() -> InvalidFieldError:
    return InvalidFieldError(
        "the request cannot be decoded: it is not the method's message, or holds text that is not UTF-8"
    )
