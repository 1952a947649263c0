"""Events of the router -> the events of a streamed message.

Every block begins, goes on and stops before the next one. Clients need the lines with the names of
events, and `message_stop` at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.gateway.extension import FIELD
from services.gateway.messages import message, messages_errors
from services.gateway.replies import sse
from services.gateway.replies.answer_blocks import AnswerBlocks, Append, Begin, BlockKind
from services.gateway.replies.token_usage import token_usage
from services.gateway.replies.void_answer import answer_reset
from services.gateway.report import routing_report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routemoa.v1 import router_service_pb2 as pb
    from services.gateway.api import ApiError, Call
    from services.gateway.replies.answer_blocks import Step

_PING = sse.named_event({"type": "ping"})
_DELTAS = {
    BlockKind.TEXT: ("text_delta", "text"),
    BlockKind.REFUSAL: ("text_delta", "text"),
    BlockKind.REASONING: ("thinking_delta", "thinking"),
    BlockKind.TOOL_CALL: ("input_json_delta", "partial_json"),
}
"""The type of a block's pieces and the field that holds them."""


class MessageEvents:
    """The events of one streamed message."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._answer = AnswerBlocks()

    def begin(self) -> bytes:
        """Returns the event before the first of the router."""
        begun = message.message_object(self._call, (), message.begun(), message.NO_TOKENS)
        return sse.named_event({"type": "message_start", "message": begun})

    def event(self, event: pb.StreamAnswerResponse) -> bytes:
        """Returns what an event of the router sends.

        Raises:
            ApiError: What was sent is void, and this API cannot take it back.
        """
        kind = event.WhichOneof("event")
        if kind == "delta":
            return _sent(self._answer.add(event.delta))
        if kind == "reset" and self._answer.blocks:
            raise answer_reset()
        if kind == "result":
            return self._end(event.result)
        return b""

    def keep_alive(self) -> bytes:
        """Returns a ping."""
        return _PING

    def fail(self, error: ApiError, request_id: str) -> bytes:
        """Returns the end of a stream that failed."""
        return sse.named_event(messages_errors.body(error, request_id))

    def _end(self, result: pb.GenerateAnswerResponse) -> bytes:
        sent = _sent(self._answer.finish(result.answer))
        delta: dict[str, Any] = {
            "type": "message_delta",
            "delta": message.ended(result.answer, self._answer.blocks),
            "usage": {**message.usage(token_usage(result)), "server_tool_use": None},
            FIELD: routing_report(result, self._call.routing, self._call.layers),
        }
        return sent + sse.named_event(delta) + sse.named_event({"type": "message_stop"})


def _sent(steps: Iterator[Step]) -> bytes:
    return b"".join(sse.named_event(_event(step)) for step in steps)


def _event(step: Step) -> dict[str, Any]:
    index = step.block.number
    if isinstance(step, Append):
        kind, name = _DELTAS[step.block.kind]
        delta = {"type": kind, name: step.text}
        return {"type": "content_block_delta", "index": index, "delta": delta}
    if isinstance(step, Begin):
        block = message.content_block(step.block, whole=False)
        return {"type": "content_block_start", "index": index, "content_block": block}
    return {"type": "content_block_stop", "index": index}
