"""Errors of the router -> errors of the APIs, in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import grpc.aio

from routemoa.errors import (
    AnswerTimedOutError,
    BudgetExhaustedError,
    BudgetStoreUnavailableError,
    DeadlineTooShortError,
    DecisionNotFoundError,
    DrainingError,
    FeedbackDisabledError,
    FeedbackLimitError,
    GenerationFailedError,
    InternalError,
    InvalidFieldError,
    InvalidPageTokenError,
    MissingCapabilityError,
    ModelNotFoundError,
    ModelPoolMismatchError,
    NoEligibleModelError,
    NoValidAnswerError,
    OverloadedError,
    TransportError,
    UnknownTenantError,
)
from routemoa.rpc_status import from_rpc_error
from services.gateway.api import ApiError, ErrorKind, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routemoa.errors import RouteMoAError

KINDS: Mapping[type[RouteMoAError], ErrorKind] = {
    InvalidFieldError: ErrorKind.INVALID_REQUEST,
    InvalidPageTokenError: ErrorKind.INVALID_REQUEST,
    ModelNotFoundError: ErrorKind.NOT_FOUND,
    ModelPoolMismatchError: ErrorKind.INTERNAL,
    NoEligibleModelError: ErrorKind.INVALID_REQUEST,
    MissingCapabilityError: ErrorKind.INVALID_REQUEST,
    OverloadedError: ErrorKind.OVERLOADED,
    DrainingError: ErrorKind.OVERLOADED,
    BudgetStoreUnavailableError: ErrorKind.OVERLOADED,
    BudgetExhaustedError: ErrorKind.QUOTA,
    UnknownTenantError: ErrorKind.AUTHENTICATION,
    GenerationFailedError: ErrorKind.BACKEND,
    NoValidAnswerError: ErrorKind.BACKEND,
    DeadlineTooShortError: ErrorKind.TIMEOUT,
    AnswerTimedOutError: ErrorKind.TIMEOUT,
    InternalError: ErrorKind.INTERNAL,
    FeedbackDisabledError: ErrorKind.INVALID_REQUEST,
    DecisionNotFoundError: ErrorKind.NOT_FOUND,
    FeedbackLimitError: ErrorKind.RATE_LIMITED,
}
"""The kind of every error of the contract."""
_TRANSPORT_KINDS = {
    grpc.StatusCode.UNAVAILABLE: ErrorKind.OVERLOADED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ErrorKind.TOO_LARGE,
    grpc.StatusCode.DEADLINE_EXCEEDED: ErrorKind.TIMEOUT,
    grpc.StatusCode.UNAUTHENTICATED: ErrorKind.AUTHENTICATION,
    grpc.StatusCode.PERMISSION_DENIED: ErrorKind.PERMISSION,
    grpc.StatusCode.INVALID_ARGUMENT: ErrorKind.INVALID_REQUEST,
}
"""The kind of a status that no service of RouteMoA explains, or that a newer one does."""


def api_error(rpc_error: grpc.aio.AioRpcError, *, begun: bool) -> ApiError:
    """Returns the error of an API for a failed call to the router.

    Args:
        rpc_error: The failure.
        begun: True if the router had sent an event, after which models may have been called.
    """
    error = from_rpc_error(rpc_error)
    kind = KINDS.get(type(error)) or _TRANSPORT_KINDS.get(error.code, ErrorKind.INTERNAL)
    if kind is ErrorKind.QUOTA and error.retry_delay_s is not None:
        kind = ErrorKind.RATE_LIMITED  # the budget of a minute, hour or day: waiting helps
    transport = isinstance(error, TransportError)
    unreached = transport and error.code is grpc.StatusCode.UNAVAILABLE
    return ApiError(
        kind,
        _transport_message(error) if transport else error.message,
        problems=[Problem(field=v.field, description=v.description) for v in error.violations],
        code="" if transport else error.reason,
        retry_after_s=error.retry_delay_s,
        retryable=not begun and (error.retryable or error.retry_delay_s is not None or unreached),
    )


def _transport_message(error: RouteMoAError) -> str:
    """Returns a message without gRPC's own words, which name addresses."""
    if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return "the request is larger than the router takes"
    if error.code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "no answer came within the time that the request allows"
    return f"the router cannot be reached or does not answer ({error.code.name})"
