"""Errors in OpenAI's form, with its statuses, types and codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.gateway.api import ErrorKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.gateway.api import ApiError

_FORMS: Mapping[ErrorKind, tuple[int, str, str | None]] = {
    ErrorKind.INVALID_REQUEST: (400, "invalid_request_error", None),
    ErrorKind.AUTHENTICATION: (401, "invalid_request_error", "invalid_api_key"),
    ErrorKind.PERMISSION: (403, "invalid_request_error", "permission_denied"),
    ErrorKind.NOT_FOUND: (404, "invalid_request_error", None),
    ErrorKind.TOO_LARGE: (413, "invalid_request_error", "request_too_large"),
    ErrorKind.RATE_LIMITED: (429, "rate_limit_error", "rate_limit_exceeded"),
    ErrorKind.QUOTA: (429, "insufficient_quota", "insufficient_quota"),
    ErrorKind.TIMEOUT: (504, "server_error", "timeout"),
    ErrorKind.OVERLOADED: (503, "server_error", "overloaded"),
    ErrorKind.BACKEND: (502, "server_error", None),
    ErrorKind.INTERNAL: (500, "server_error", "internal_error"),
}
"""Status, type, and code; where there is no code, the name of the `ErrorReason` is the code."""

_BEGINNINGS = (
    ("options.max_output_token_count", "max_completion_tokens"),
    ("options.stop_sequences", "stop"),
    ("options.top_log_probability_count", "top_logprobs"),
    ("options.metadata.end_user", "user"),
    ("options.metadata.tags", "metadata"),
    ("options.response_format.json_schema.schema_json", "response_format.json_schema.schema"),
    ("options.tool_choice.tool_name", "tool_choice"),
    ("options.", ""),
    ("policy.", "routemoa.policy."),
)
"""Beginnings of the router's names of fields -> OpenAI's; the first that fits counts."""
_OF_TOOLS = (("].parameters_json", "].parameters"), ("].", "].function."))
_OF_MESSAGES = (
    (".parts.parts[", ".content["),
    (".parts[", ".content["),
    (".arguments_json", ".function.arguments"),
)


def error_body(error: ApiError, request_id: str) -> tuple[int, dict[str, Any]]:
    """Returns the HTTP status and the body of an error."""
    status, kind, code = _FORMS[error.kind]
    problems = [
        {"param": openai_field(problem.field), "message": problem.description}
        for problem in error.problems
    ]
    body: dict[str, Any] = {
        "message": error.message,
        "type": kind,
        "param": problems[0]["param"] if problems else None,
        "code": code or _code(error.code),
        "request_id": request_id,
    }
    if problems:
        body["problems"] = problems
    return status, {"error": body}


def openai_field(field: str) -> str | None:
    """Returns a field's path by the names of OpenAI's API."""
    inner = _OF_TOOLS if field.startswith("options.tools[") else _OF_MESSAGES
    for begins, name in _BEGINNINGS:
        if field.startswith(begins):
            field = name + field.removeprefix(begins)
            break
    for old, new in inner:
        field = field.replace(old, new, 1)
    return field or None


def _code(reason: str) -> str | None:
    return reason.removeprefix("ERROR_REASON_").lower() or None
