"""Blocks of an answer -> output items of the Responses API.

A message item holds the text and the refusal; reasoning and each call are items of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.gateway.replies.answer_blocks import BlockKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from routemoa.v1 import model_pb2
    from services.gateway.replies.answer_blocks import Block

_ID_PREFIXES = {
    BlockKind.REASONING: "rs",
    BlockKind.TEXT: "msg",
    BlockKind.REFUSAL: "msg",
    BlockKind.TOOL_CALL: "fc",
}


def item_id(reply_id: str, block: Block) -> str:
    """Returns the id of the item of a block."""
    return f"{_ID_PREFIXES[block.kind]}_{reply_id.removeprefix('resp_')}_{block.number}"


def begun_item(reply_id: str, block: Block) -> dict[str, Any]:
    """Returns the item of a block that has only begun."""
    return _item(reply_id, block, status="in_progress", whole=False)


def whole_item(reply_id: str, block: Block, status: str = "completed") -> dict[str, Any]:
    """Returns the item of a block, with all that came of it."""
    return _item(reply_id, block, status=status, whole=True)


def content_part(block: Block, *, whole: bool) -> dict[str, Any]:
    """Returns the part of a message that a block is."""
    text = block.text if whole else ""
    if block.kind is BlockKind.REFUSAL:
        return {"type": "refusal", "refusal": text}
    logprobs = log_probabilities(block.log_probabilities) if whole else []
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}


def summary_part(block: Block, *, whole: bool) -> dict[str, Any]:
    """Returns the part of a reasoning item that a block is."""
    return {"type": "summary_text", "text": block.text if whole else ""}


def log_probabilities(tokens: Iterable[model_pb2.TokenLogProbability]) -> list[dict[str, Any]]:
    """Returns the log probabilities of tokens and of those in their place."""
    return [
        {
            **_token(token),
            "top_logprobs": [_token(alternative) for alternative in token.alternatives],
        }
        for token in tokens
    ]


def items(reply_id: str, blocks: Sequence[Block], status: str) -> list[dict[str, Any]]:
    """Returns the items of an answer; the last one has the status of the answer."""
    last = len(blocks) - 1
    return [
        whole_item(reply_id, block, status if block.number == last else "completed")
        for block in blocks
    ]


def _token(token: model_pb2.TokenLogProbability) -> dict[str, Any]:
    return {
        "token": token.token,
        "bytes": list(token.token.encode()),
        "logprob": token.log_probability,
    }


def _item(reply_id: str, block: Block, *, status: str, whole: bool) -> dict[str, Any]:
    head = {"id": item_id(reply_id, block)}
    if block.kind is BlockKind.REASONING:
        summary = [summary_part(block, whole=True)] if whole else []
        return {**head, "type": "reasoning", "summary": summary}
    if block.kind is BlockKind.TOOL_CALL:
        return {
            **head,
            "type": "function_call",
            "status": status,
            "arguments": block.text if whole else "",
            "call_id": block.call_id,
            "name": block.name,
        }
    content = [content_part(block, whole=True)] if whole else []
    return {
        **head,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }
