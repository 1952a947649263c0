"""The response object of the Responses API, which replies and events hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from routemoa.v1 import model_pb2
from services.gateway.replies.token_usage import token_usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routemoa.v1 import router_service_pb2 as pb
    from services.gateway.api import Call

_INCOMPLETE = {
    model_pb2.FINISH_REASON_LENGTH: "max_output_tokens",
    model_pb2.FINISH_REASON_DEADLINE: "max_output_tokens",
    model_pb2.FINISH_REASON_CONTENT_FILTER: "content_filter",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The end of a response."""

    status: str
    incomplete_reason: str = ""
    completed_at_s: int | None = None
    usage: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None


IN_PROGRESS = Ending(status="in_progress")


def ending(call: Call, result: pb.GenerateAnswerResponse) -> Ending:
    """Returns the end that a result makes."""
    reason = _INCOMPLETE.get(result.answer.finish_reason, "")
    return Ending(
        status="incomplete" if reason else "completed",
        incomplete_reason=reason,
        completed_at_s=call.created_s + result.timing.total_duration.seconds,
        usage=_usage(result),
    )


def response_object(call: Call, output: Sequence[Mapping[str, Any]], end: Ending) -> dict[str, Any]:
    """Returns the response, with all fields that clients know."""
    body = call.body
    text = body.get("text") or {}
    reasoning = body.get("reasoning") or {}
    return {
        "id": call.reply_id,
        "object": "response",
        "created_at": call.created_s,
        "completed_at": end.completed_at_s,
        "status": end.status,
        "background": False,
        "error": end.error,
        "incomplete_details": (
            {"reason": end.incomplete_reason} if end.incomplete_reason else None
        ),
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "metadata": body.get("metadata") or {},
        "model": call.model,
        "output": list(output),
        "parallel_tool_calls": _given(body, "parallel_tool_calls", default=True),
        "previous_response_id": None,
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": "default",
        "store": False,
        "temperature": _given(body, "temperature", default=1.0),
        "text": {"verbosity": "medium", **text, "format": text.get("format") or {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": [
            {"parameters": None, "strict": False, **tool} for tool in body.get("tools") or ()
        ],
        "top_logprobs": body.get("top_logprobs") or 0,
        "top_p": _given(body, "top_p", default=1.0),
        "truncation": "disabled",
        "usage": end.usage,
        "user": body.get("user"),
    }


def _given(body: Mapping[str, Any], name: str, *, default: object) -> object:
    value = body.get(name)
    return default if value is None else value


def _usage(result: pb.GenerateAnswerResponse) -> dict[str, Any]:
    tokens = token_usage(result)
    return {
        "input_tokens": tokens.prompt,
        "input_tokens_details": {
            "cached_tokens": tokens.cached_prompt,
            "cache_write_tokens": tokens.cache_written_prompt,
        },
        "output_tokens": tokens.completion,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.prompt + tokens.completion,
    }
