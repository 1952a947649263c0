"""The result -> the reply of a chat completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from routemoa.v1 import model_pb2
from services.gateway.report import routing_report

if TYPE_CHECKING:
    from collections.abc import Iterable

    from routemoa.v1 import router_service_pb2 as pb
    from services.gateway.api import Call

_FINISH_REASONS = {
    model_pb2.FINISH_REASON_LENGTH: "length",
    model_pb2.FINISH_REASON_DEADLINE: "length",
    model_pb2.FINISH_REASON_CONTENT_FILTER: "content_filter",
    model_pb2.FINISH_REASON_TOOL_CALLS: "tool_calls",
}


def completion(call: Call, result: pb.GenerateAnswerResponse) -> dict[str, Any]:
    """Returns the body of a whole reply."""
    answer = result.answer
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text
        if answer.text or not (answer.tool_calls or answer.refusal)
        else None,
        "refusal": answer.refusal or None,
        "annotations": [],
    }
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = [tool_call(item) for item in answer.tool_calls]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": log_probabilities(answer.log_probabilities),
        "finish_reason": finish_reason(answer),
    }
    return {
        "id": call.reply_id,
        "object": "chat.completion",
        "created": call.created_s,
        "model": call.model,
        "choices": [choice],
        "usage": usage(result),
        "service_tier": None,
        "system_fingerprint": None,
        "routemoa": routing_report(result, call.routing, call.layers),
    }


def finish_reason(answer: model_pb2.Answer) -> str:
    """Returns OpenAI's name of how an answer ended."""
    # Some backends say `stop` where the model asks for a call; agents go by the reason.
    ended = "tool_calls" if answer.tool_calls else "stop"
    return _FINISH_REASONS.get(answer.finish_reason, ended)


def tool_call(call: model_pb2.ToolCall) -> dict[str, Any]:
    """Returns a call to a tool."""
    return {
        "id": call.tool_call_id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments_json},
    }


def log_probabilities(tokens: Iterable[model_pb2.TokenLogProbability]) -> dict[str, Any] | None:
    """Returns the log probabilities of tokens; None if there are none."""
    content = [
        {
            **_token(token),
            "top_logprobs": [_token(other) for other in token.alternatives],
        }
        for token in tokens
    ]
    return {"content": content, "refusal": None} if content else None


def usage(result: pb.GenerateAnswerResponse) -> dict[str, Any]:
    """Returns the tokens of all calls together, which are what was paid for."""
    entries = result.usage
    prompt = sum(entry.prompt_token_count for entry in entries)
    completed = sum(entry.completion_token_count for entry in entries)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completed,
        "total_tokens": prompt + completed,
        "prompt_tokens_details": {
            "cached_tokens": sum(entry.cached_prompt_token_count for entry in entries),
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": sum(entry.reasoning_token_count for entry in entries),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _token(token: model_pb2.TokenLogProbability) -> dict[str, Any]:
    return {
        "token": token.token,
        "logprob": token.log_probability,
        "bytes": list(token.token.encode()),
    }
