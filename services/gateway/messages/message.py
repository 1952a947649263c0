"""The message object of the Messages API, which replies and events hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from routemoa.v1 import model_pb2
from services.gateway.replies.answer_blocks import BlockKind
from services.gateway.replies.token_usage import TokenUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.gateway.api import Call
    from services.gateway.replies.answer_blocks import Block

NO_TOKENS = TokenUsage()
_STOP_REASONS = {
    model_pb2.FINISH_REASON_LENGTH: "max_tokens",
    model_pb2.FINISH_REASON_DEADLINE: "max_tokens",
    model_pb2.FINISH_REASON_TOOL_CALLS: "tool_use",
    model_pb2.FINISH_REASON_CONTENT_FILTER: "refusal",
    model_pb2.FINISH_REASON_REFUSAL: "refusal",
}


def message_object(
    call: Call, content: Sequence[dict[str, Any]], end: dict[str, Any], tokens: TokenUsage
) -> dict[str, Any]:
    """Returns the message, with all fields that clients know."""
    return {
        "id": call.reply_id,
        "type": "message",
        "role": "assistant",
        "model": call.model,
        "content": list(content),
        **end,
        "usage": {
            **usage(tokens),
            "cache_creation": {
                "ephemeral_1h_input_tokens": 0,
                "ephemeral_5m_input_tokens": tokens.cache_written_prompt,
            },
            "server_tool_use": None,
            "service_tier": "standard",
        },
    }


def begun() -> dict[str, Any]:
    """Returns the fields about the end of a message that has not ended."""
    return {"stop_reason": None, "stop_sequence": None, "stop_details": None}


def ended(answer: model_pb2.Answer, blocks: Sequence[Block]) -> dict[str, Any]:
    """Returns the fields about the end of a message.

    The router does not say which stop sequence ended an answer: that is an end like any other.
    """
    reason = _STOP_REASONS.get(answer.finish_reason, "end_turn")
    refusals = [block.text for block in blocks if block.kind is BlockKind.REFUSAL]
    if refusals and reason == "end_turn":
        reason = "refusal"
    elif any(block.kind is BlockKind.TOOL_CALL for block in blocks) and reason == "end_turn":
        reason = "tool_use"
    details = {"type": "refusal", "category": None, "explanation": "".join(refusals) or None}
    return {
        "stop_reason": reason,
        "stop_sequence": None,
        "stop_details": details if reason == "refusal" else None,
    }


def usage(tokens: TokenUsage) -> dict[str, Any]:
    """Returns the tokens; those of caches are not among the input's, as this API has it."""
    cached = tokens.cached_prompt + tokens.cache_written_prompt
    return {
        "input_tokens": max(0, tokens.prompt - cached),
        "cache_creation_input_tokens": tokens.cache_written_prompt,
        "cache_read_input_tokens": tokens.cached_prompt,
        "output_tokens": tokens.completion,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
    }


def content_block(block: Block, *, whole: bool) -> dict[str, Any]:
    """Returns a block of the message: what came of it, or only its beginning."""
    if block.kind is BlockKind.REASONING:
        return {"type": "thinking", "thinking": block.text if whole else "", "signature": ""}
    if block.kind is BlockKind.TOOL_CALL:
        return {
            "type": "tool_use",
            "id": block.call_id,
            "name": block.name,
            "input": _arguments(block.text) if whole else {},
        }
    return {"type": "text", "text": block.text if whole else ""}


def _arguments(text: str) -> dict[str, Any]:
    """Returns the arguments of a call; none if the answer was cut off in the midst of them."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
