"""A call to the scorer or the judge: with a timeout, and only while its breaker is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import grpc
import grpc.aio
import structlog
from opentelemetry.trace import SpanKind
from prometheus_client import Counter

from services.router.routing.events import FallbackReason
from services.rpc.telemetry import BREAKER_OPEN
from services.rpc.tracing.origin import current
from services.rpc.tracing.propagation import call_headers
from services.rpc.tracing.spans import stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.router.routing.events import Dependency, Fallback
    from services.router.types.deadline import Deadline
    from services.rpc.breaker import Breaker

    Metadata = tuple[tuple[str, str], ...]

TIME_SHARE = 0.5
"""Share of the time left that a call to scorer or judge may take; later steps need the rest."""

_REASONS = {
    grpc.StatusCode.DEADLINE_EXCEEDED: FallbackReason.TIMEOUT,
    grpc.StatusCode.UNAVAILABLE: FallbackReason.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED: FallbackReason.RATE_LIMITED,
    grpc.StatusCode.CANCELLED: FallbackReason.CANCELLED,
}
_REFUSALS = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNIMPLEMENTED,
}
_FALLBACKS = Counter(
    "routemoa_router_fallbacks_total", "Substitutions, by dependency.", ["dependency"]
)
_log = structlog.get_logger()
RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class DependencyDownError(Exception):
    """Raised if a dependency gives no answer.

    Args:
        reason: The reason that is reported.
        code: Its gRPC status; None if it was not called.
    """

    def __init__(self, reason: FallbackReason, code: grpc.StatusCode | None = None) -> None:
        super().__init__(reason.name)
        self.reason = reason
        self.code = code


def count_fallback(dependency: Dependency) -> None:
    """Counts a substitution."""
    _FALLBACKS.labels(dependency.name.lower()).inc()


def report_fallback(fallback: Fallback, code: grpc.StatusCode | None = None) -> None:
    """Counts and logs a substitution, with the gRPC status of a dependency that was called."""
    count_fallback(fallback.dependency)
    status = {} if code is None else {"status": code.name}
    _log.warning(
        "fallback", dependency=fallback.dependency.name, reason=fallback.reason.name, **status
    )


def reason_of(code: grpc.StatusCode) -> FallbackReason:
    """Returns the reason that a gRPC status of a dependency is."""
    if code in _REASONS:
        return _REASONS[code]
    return FallbackReason.REJECTED if code in _REFUSALS else FallbackReason.FAILED


class Remote:
    """Calls one dependency.

    Args:
        name: Its name in metrics.
        channel: Returns the channel for a new call.
        breaker: Stops calls while the dependency fails.
        timeout_s: The longest time of one call.
    """

    def __init__(
        self,
        name: str,
        channel: Callable[[], grpc.aio.Channel],
        breaker: Breaker,
        timeout_s: float,
    ) -> None:
        self._name = name
        self._channel = channel
        self._breaker = breaker
        self._timeout_s = timeout_s
        BREAKER_OPEN.labels(name).set(0)
        _FALLBACKS.labels(name)  # exports a zero from the start

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel for a new call. It changes after the TLS files were replaced."""
        return self._channel()

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT],
        request: RequestT,
        deadline: Deadline,
        metadata: Metadata = (),
    ) -> ResponseT:
        """Returns the response.

        Raises:
            DependencyDownError: There is no response.
        """
        if not self._breaker.allows():
            raise DependencyDownError(FallbackReason.BREAKER_OPEN)
        remaining_s = deadline.remaining_s()
        try:
            with stage(f"call {self._name}", SpanKind.CLIENT) as span:
                response = await method(
                    request,
                    timeout=min(self._timeout_s, remaining_s),
                    metadata=(*metadata, *call_headers(current().request_id, span)),
                )
        except grpc.aio.AioRpcError as error:
            # A short deadline is no failure of the dependency, and neither is NOT_FOUND.
            hurried = remaining_s < self._timeout_s
            late = hurried and error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            if not late and error.code() is not grpc.StatusCode.NOT_FOUND:
                self._breaker.failed()
                BREAKER_OPEN.labels(self._name).set(self._breaker.is_open)
            raise DependencyDownError(reason_of(error.code()), error.code()) from error
        self._breaker.succeeded()
        BREAKER_OPEN.labels(self._name).set(0)
        return response
