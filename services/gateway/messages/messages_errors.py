"""Errors in the form of Anthropic's APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.gateway.api import ErrorKind
from services.gateway.requests.router_fields import renamed

if TYPE_CHECKING:
    from services.gateway.api import ApiError

_STATUS_AND_TYPE = {
    ErrorKind.INVALID_REQUEST: (400, "invalid_request_error"),
    ErrorKind.AUTHENTICATION: (401, "authentication_error"),
    ErrorKind.PERMISSION: (403, "permission_error"),
    ErrorKind.NOT_FOUND: (404, "not_found_error"),
    ErrorKind.TOO_LARGE: (413, "request_too_large"),
    ErrorKind.RATE_LIMITED: (429, "rate_limit_error"),
    ErrorKind.QUOTA: (402, "billing_error"),
    ErrorKind.TIMEOUT: (504, "timeout_error"),
    ErrorKind.OVERLOADED: (529, "overloaded_error"),
    ErrorKind.BACKEND: (502, "api_error"),
    ErrorKind.INTERNAL: (500, "api_error"),
}

_ROUTER_FIELDS = {
    "options.max_output_token_count": "max_tokens",
    "options.metadata.end_user": "metadata.user_id",
    "options.parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    "options.include_reasoning": "thinking",
    "options.reasoning_effort": "thinking",
    "options.response_format.json_schema.schema_json": "output_config.format.schema",
    "options.response_format": "output_config.format",
    "options": "",
    "policy": "routemoa.policy",
}
"""This API's name of each field of the router's request."""


def status(error: ApiError) -> int:
    """Returns the HTTP status of an error."""
    return _STATUS_AND_TYPE[error.kind][0]


def body(error: ApiError, request_id: str) -> dict[str, Any]:
    """Returns the body of an error, which is also the event of one in a stream."""
    error = renamed(error, _ROUTER_FIELDS)
    return {
        "type": "error",
        "error": {"type": _STATUS_AND_TYPE[error.kind][1], "message": error.message},
        "request_id": request_id,
    }
