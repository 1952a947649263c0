"""The error table: a client catches the class that the server raised.

Every class stands for one `ErrorReason` of the contract; `proto/routemoa/v1/error_reason.proto`
documents when each occurs and what its metadata hold:

    RouteMoAError
    ├── InvalidFieldError        INVALID_ARGUMENT     correct the request
    ├── InvalidPageTokenError    INVALID_ARGUMENT     start again at the first page
    ├── ModelNotFoundError       NOT_FOUND            correct the request
    ├── ModelPoolMismatchError   FAILED_PRECONDITION  tell the operator
    ├── NoEligibleModelError     FAILED_PRECONDITION  relax the policy
    ├── OverloadedError          UNAVAILABLE          retry after `retry_delay_s`
    ├── DrainingError            UNAVAILABLE          retry at once, elsewhere
    ├── GenerationFailedError    UNAVAILABLE          decide: another try costs money
    ├── DeadlineTooShortError    DEADLINE_EXCEEDED    allow more time
    ├── AnswerTimedOutError      DEADLINE_EXCEEDED    allow more time
    ├── InternalError            INTERNAL             report it, with its request id
    ├── BudgetExhaustedError     RESOURCE_EXHAUSTED   wait for `retry_delay_s`, or ask for less
    ├── UnknownTenantError       UNAUTHENTICATED      send the tenant's token
    ├── BudgetStoreUnavailableError  UNAVAILABLE      retry after `retry_delay_s`
    ├── MissingCapabilityError   FAILED_PRECONDITION  ask for less, or tell the operator
    ├── NoValidAnswerError       UNAVAILABLE          decide: another try costs money
    ├── FeedbackDisabledError    FAILED_PRECONDITION  tell the operator
    ├── DecisionNotFoundError    NOT_FOUND            send the id of an answer of your own
    ├── FeedbackLimitError       RESOURCE_EXHAUSTED   retry after `retry_delay_s`
    ├── UnknownReasonError       any                  the service is newer: see `reason`
    └── TransportError           any                  no RouteMoA service answered
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import grpc
import grpc.aio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DOMAIN = "routemoa.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldViolation:
    """One thing that is wrong with a request."""

    field: str
    """Path of the field, e.g. `policy.max_layer_count`."""
    description: str
    """The problem, for a person."""


class RouteMoAError(Exception):
    """Base of the errors of every RouteMoA service.

    Args:
        message: What happened, for a person. Never holds a secret, a query, a prompt or an answer.
        metadata: Everything variable in the message, for a program.
        retry_delay_s: The time after which another try is worth it, where the service knows one.
    """

    reason: str = "ERROR_REASON_UNSPECIFIED"
    code: grpc.StatusCode = grpc.StatusCode.UNKNOWN
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        metadata: Mapping[str, str] | None = None,
        *,
        retry_delay_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self.violations: tuple[FieldViolation, ...] = ()
        self.retry_delay_s = retry_delay_s


class InvalidFieldError(RouteMoAError):
    """Fields of the request are invalid; `violations` names them all."""

    reason = "ERROR_REASON_INVALID_FIELD"
    code = grpc.StatusCode.INVALID_ARGUMENT

    def __init__(self, message: str = "", violations: Sequence[FieldViolation] = ()) -> None:
        """Takes the violations; the message is made of them unless one is given."""
        listed = "; ".join(f"{v.field}: {v.description}" for v in violations)
        super().__init__(message or f"invalid request: {listed}")
        self.violations = tuple(violations)


class InvalidPageTokenError(RouteMoAError):
    """The page token was not issued by this service."""

    reason = "ERROR_REASON_INVALID_PAGE_TOKEN"
    code = grpc.StatusCode.INVALID_ARGUMENT


class ModelNotFoundError(RouteMoAError):
    """The request names models that are not there."""

    reason = "ERROR_REASON_MODEL_NOT_FOUND"
    code = grpc.StatusCode.NOT_FOUND


class ModelPoolMismatchError(RouteMoAError):
    """The pool has models that the scorer does not know; only earlier routers raise this."""

    reason = "ERROR_REASON_MODEL_POOL_MISMATCH"
    code = grpc.StatusCode.FAILED_PRECONDITION


class NoEligibleModelError(RouteMoAError):
    """The policy's limits leave no model that may run."""

    reason = "ERROR_REASON_NO_ELIGIBLE_MODEL"
    code = grpc.StatusCode.FAILED_PRECONDITION


class OverloadedError(RouteMoAError):
    """The service has all the work that it can hold."""

    reason = "ERROR_REASON_OVERLOADED"
    code = grpc.StatusCode.UNAVAILABLE
    retryable = True


class DrainingError(RouteMoAError):
    """The service is shutting down."""

    reason = "ERROR_REASON_DRAINING"
    code = grpc.StatusCode.UNAVAILABLE
    retryable = True


class GenerationFailedError(RouteMoAError):
    """Every model that was called failed."""

    reason = "ERROR_REASON_GENERATION_FAILED"
    code = grpc.StatusCode.UNAVAILABLE


class DeadlineTooShortError(RouteMoAError):
    """The caller allows less time than the call can take; nothing was started."""

    reason = "ERROR_REASON_DEADLINE_TOO_SHORT"
    code = grpc.StatusCode.DEADLINE_EXCEEDED


class AnswerTimedOutError(RouteMoAError):
    """No model answered within the caller's deadline."""

    reason = "ERROR_REASON_ANSWER_TIMED_OUT"
    code = grpc.StatusCode.DEADLINE_EXCEEDED


class InternalError(RouteMoAError):
    """Something failed that is the service's own fault."""

    reason = "ERROR_REASON_INTERNAL"
    code = grpc.StatusCode.INTERNAL


class BudgetExhaustedError(RouteMoAError):
    """The tenant's budget has no room for the call."""

    reason = "ERROR_REASON_BUDGET_EXHAUSTED"
    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class UnknownTenantError(RouteMoAError):
    """The caller is none of the tenants that the service knows."""

    reason = "ERROR_REASON_UNKNOWN_TENANT"
    code = grpc.StatusCode.UNAUTHENTICATED


class BudgetStoreUnavailableError(RouteMoAError):
    """The store that keeps the budgets does not answer; nothing was called."""

    reason = "ERROR_REASON_BUDGET_STORE_UNAVAILABLE"
    code = grpc.StatusCode.UNAVAILABLE
    retryable = True


class MissingCapabilityError(RouteMoAError):
    """No model that may run can do what the request needs; nothing was called."""

    reason = "ERROR_REASON_MISSING_CAPABILITY"
    code = grpc.StatusCode.FAILED_PRECONDITION


class NoValidAnswerError(RouteMoAError):
    """Models answered, and no answer keeps to the schema or the tools of the request."""

    reason = "ERROR_REASON_NO_VALID_ANSWER"
    code = grpc.StatusCode.UNAVAILABLE


class FeedbackDisabledError(RouteMoAError):
    """The router keeps no feedback; `metadata` names the settings that it lacks."""

    reason = "ERROR_REASON_FEEDBACK_DISABLED"
    code = grpc.StatusCode.FAILED_PRECONDITION


class DecisionNotFoundError(RouteMoAError):
    """The decision is none of the caller's, or is older than 30 days."""

    reason = "ERROR_REASON_DECISION_NOT_FOUND"
    code = grpc.StatusCode.NOT_FOUND


class FeedbackLimitError(RouteMoAError):
    """The tenant sends more feedback than the router takes; nothing was recorded."""

    reason = "ERROR_REASON_FEEDBACK_LIMIT"
    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class UnknownReasonError(RouteMoAError):
    """The service is newer than this client and gives a reason that it does not know."""

    def __init__(
        self,
        reason: str,
        code: grpc.StatusCode,
        message: str,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Takes the reason and the code as they were sent."""
        super().__init__(message, metadata)
        self.reason = reason
        self.code = code


class TransportError(RouteMoAError):
    """The call failed before any RouteMoA service could say why."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        """Takes the status as gRPC reports it."""
        super().__init__(message)
        self.code = code


ERRORS: Mapping[str, type[RouteMoAError]] = {
    kind.reason: kind
    for kind in (
        InvalidFieldError,
        InvalidPageTokenError,
        ModelNotFoundError,
        ModelPoolMismatchError,
        NoEligibleModelError,
        OverloadedError,
        DrainingError,
        GenerationFailedError,
        DeadlineTooShortError,
        AnswerTimedOutError,
        InternalError,
        BudgetExhaustedError,
        UnknownTenantError,
        BudgetStoreUnavailableError,
        MissingCapabilityError,
        NoValidAnswerError,
        FeedbackDisabledError,
        DecisionNotFoundError,
        FeedbackLimitError,
    )
}
"""Every class by its reason; a test compares it with the contract's enum."""
