"""Errors in the form of OpenAI's APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.gateway.api import ErrorKind

if TYPE_CHECKING:
    from services.gateway.api import ApiError

_STATUS_AND_TYPE = {
    ErrorKind.INVALID_REQUEST: (400, "invalid_request_error"),
    ErrorKind.AUTHENTICATION: (401, "authentication_error"),
    ErrorKind.PERMISSION: (403, "permission_error"),
    ErrorKind.NOT_FOUND: (404, "invalid_request_error"),
    ErrorKind.TOO_LARGE: (413, "invalid_request_error"),
    ErrorKind.RATE_LIMITED: (429, "rate_limit_error"),
    ErrorKind.QUOTA: (429, "insufficient_quota"),
    ErrorKind.TIMEOUT: (504, "timeout_error"),
    ErrorKind.OVERLOADED: (503, "overloaded_error"),
    ErrorKind.BACKEND: (502, "server_error"),
    ErrorKind.INTERNAL: (500, "server_error"),
}


def status(error: ApiError) -> int:
    """Returns the HTTP status of an error."""
    return _STATUS_AND_TYPE[error.kind][0]


def detail(error: ApiError) -> dict[str, Any]:
    """Returns what the body of an error holds."""
    param = error.problems[0].field if error.problems else None
    return {
        "message": error.message,
        "type": _STATUS_AND_TYPE[error.kind][1],
        "param": param or None,
        "code": error.code or None,
    }


def response_code(error: ApiError) -> str:
    """Returns the code of a response that failed, one of those that its clients know."""
    limited = error.kind in (ErrorKind.RATE_LIMITED, ErrorKind.QUOTA)
    return "rate_limit_exceeded" if limited else "server_error"
