"""Turns guards into one gRPC interceptor.

A guard is a context manager around a call: it runs before the handler, and again after it, even
after an error. Unary and streaming calls go through the same guards, so each behaviour is written
once.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import grpc.aio

from services.rpc.interceptors.call import Guards, host_of
from services.rpc.interceptors.callers import identified
from services.rpc.interceptors.handlers import guarded, shedding

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from routemoa.errors import RouteMoAError
    from services.rpc.interceptors.call import Call
    from services.rpc.interceptors.intake import Intakes

GUARDED_PREFIX = "/routemoa."
MAX_SHEDDING_HANDLERS = 256
"""Cached handlers, one per method and shed reason: to build one per call would add to the load."""


def _none(_: Call) -> AbstractContextManager[None]:
    return nullcontext()


_UNGUARDED = Guards(measure=_none, translate=_none, checks=(identified(host_of),), admit=_none)

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class GuardInterceptor(grpc.aio.ServerInterceptor):
    """Runs guards and checks around every call to a RouteMoA service.

    A `RouteMoAError` of a guard or of the handler ends the call with the status of that error.

    Args:
        guards: The guards and checks.
        shed_reason: Returns the error for a new call of a method that must be shed; None if it is
            admitted. The same object for the same reason. A shed call gets the error before its
            request is received, and is only measured.
        intakes: Limit the requests that are being received, those of health and reflection too.
    """

    def __init__(
        self,
        guards: Guards,
        *,
        shed_reason: Callable[[str], RouteMoAError | None],
        intakes: Intakes,
    ) -> None:
        self.guards = guards
        self._shed_reason = shed_reason
        self._intakes = intakes
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
        """Wraps the handler of a method; those of health and reflection are not limited."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None:
            return handler
        is_ours = method.startswith(GUARDED_PREFIX)
        wrapped: grpc.RpcMethodHandler[RequestT, ResponseT] | None
        if is_ours and (error := self._shed_reason(method)) is not None:
            wrapped = self._shedding(method, error)
            return wrapped
        wrapped = self._handlers.get(method)
        if wrapped is None:
            guards = self.guards if is_ours else _UNGUARDED
            wrapped = self._handlers[method] = guarded(method, handler, guards, self._intakes)
        return wrapped

    def _shedding_handler(self, method: str, error: RouteMoAError) -> Any:
        return shedding(method, error, self.guards.measure)
