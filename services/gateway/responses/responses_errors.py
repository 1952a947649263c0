"""Errors of the Responses API: OpenAI's form, with this API's names of fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.gateway.api import ErrorKind
from services.gateway.chat.chat_errors import error_body as openai_error_body
from services.gateway.requests.router_fields import renamed

if TYPE_CHECKING:
    from services.gateway.api import ApiError

_ROUTER_FIELDS = {
    "messages": "input",
    "options.max_output_token_count": "max_output_tokens",
    "options.metadata.end_user": "safety_identifier",
    "options.metadata.tags": "metadata",
    "options.include_reasoning": "reasoning.summary",
    "options.reasoning_effort": "reasoning.effort",
    "options.response_format.json_schema.schema_json": "text.format.schema",
    "options.response_format": "text.format",
    "options.top_log_probability_count": "top_logprobs",
    "options": "",
    "policy": "routemoa.policy",
}
"""This API's name of each field of the router's request."""


def error_body(error: ApiError, request_id: str) -> tuple[int, dict[str, Any]]:
    """Returns the HTTP status and the body of an error."""
    return openai_error_body(renamed(error, _ROUTER_FIELDS), request_id)


def response_code(error: ApiError) -> str:
    """Returns the code of a response that failed, one of those that its clients know."""
    limited = error.kind in (ErrorKind.RATE_LIMITED, ErrorKind.QUOTA)
    return "rate_limit_exceeded" if limited else "server_error"
