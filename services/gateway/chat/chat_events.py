"""Events of an answer -> the chunks of a streamed chat completion.

A chat completion cannot take back what was sent. So an answer whose writer failed, and that another
model begins anew, ends the stream with an error, unless nothing of it was sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from services.gateway.api import ApiError, ErrorKind
from services.gateway.chat.chat_errors import error_body
from services.gateway.chat.chat_reply import finish_reason, log_probabilities, tool_call, usage
from services.gateway.report import routing_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routemoa.v1 import router_service_pb2 as pb
    from services.gateway.api import Call

KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"
_END = b"}\n\n"


class ChatWriter:
    """Writes the chunks of one streamed reply."""

    def __init__(self, call: Call) -> None:
        self._call = call
        head = to_json(
            {
                "id": call.reply_id,
                "object": "chat.completion.chunk",
                "created": call.created_s,
                "model": call.model,
                "service_tier": None,
                "system_fingerprint": None,
            }
        )[:-1]
        self._head = b"data: " + head
        self._usage = b',"usage":null' if call.include_usage else b""
        delta = self._head + b',"choices":[{"index":0,"delta":'
        self._delta = delta
        self._text = delta + b'{"content":'
        self._end = b',"logprobs":null,"finish_reason":null}]' + self._usage + _END
        self._text_end = b"}" + self._end
        self._sent = False
        """True if something of the answer was sent."""

    def begin(self) -> bytes:
        """Returns the chunk that names the role."""
        return self._delta + b'{"role":"assistant","content":"","refusal":null}' + self._end

    def event(self, event: pb.StreamAnswerResponse) -> bytes:
        """Returns the chunks of an event."""
        kind = event.WhichOneof("event")
        if kind == "delta":
            data = self._of_delta(event.delta)
            self._sent = self._sent or bool(data)
            return data
        if kind == "result":
            return self._of_result(event.result)
        if kind == "reset" and self._sent:
            message = "the model that wrote the answer failed, and its text is void"
            raise ApiError(ErrorKind.BACKEND, message, code="answer_reset")
        return b""

    def keep_alive(self) -> bytes:
        """Returns a comment."""
        return KEEP_ALIVE

    def fail(self, error: ApiError, request_id: str) -> bytes:
        """Returns an error in place of the rest."""
        return b"data: " + to_json(error_body(error, request_id)[1]) + b"\n\n"

    def _of_delta(self, delta: pb.AnswerDelta) -> bytes:
        if not (delta.tool_calls or delta.log_probabilities or delta.reasoning or delta.refusal):
            if not delta.text:
                return b""
            return self._text + to_json(delta.text) + self._text_end  # by far the most frequent
        content: dict[str, Any] = {}
        if delta.reasoning:
            content["reasoning_content"] = delta.reasoning
        if delta.text or delta.log_probabilities:
            content["content"] = delta.text
        if delta.refusal:
            content["refusal"] = delta.refusal
        fragments = [_fragment(piece) for piece in delta.tool_calls]
        return self._chunks(content, fragments, log_probabilities(delta.log_probabilities))

    def _of_result(self, result: pb.GenerateAnswerResponse) -> bytes:
        data = b"" if self._sent else self._unsent(result)
        report = b',"routemoa":' + to_json(
            routing_report(result, self._call.routing, self._call.layers)
        )
        end = self._chunk({}, None, finish_reason(result.answer))
        if not self._call.include_usage:
            return data + end.removesuffix(_END) + report + _END + DONE
        last = self._head + b',"choices":[],"usage":' + to_json(usage(result)) + report + _END
        return data + end + last + DONE

    def _unsent(self, result: pb.GenerateAnswerResponse) -> bytes:
        """Returns an answer of which no delta came."""
        answer = result.answer
        content: dict[str, Any] = {}
        if answer.text:
            content["content"] = answer.text
        if answer.refusal:
            content["refusal"] = answer.refusal
        calls = [
            {"index": number, **tool_call(call)} for number, call in enumerate(answer.tool_calls)
        ]
        return self._chunks(content, calls, log_probabilities(answer.log_probabilities))

    def _chunks(
        self,
        content: dict[str, Any],
        calls: Sequence[dict[str, Any]],
        logprobs: dict[str, Any] | None,
    ) -> bytes:
        """Returns the chunk of the content, then one per call: clients read the first one alone."""
        first = self._chunk(content, logprobs) if content else b""
        return first + b"".join(self._chunk({"tool_calls": [call]}, None) for call in calls)

    def _chunk(
        self,
        content: dict[str, Any],
        logprobs: dict[str, Any] | None,
        reason: str | None = None,
    ) -> bytes:
        rest = to_json({"logprobs": logprobs, "finish_reason": reason})[1:-1]
        return self._delta + to_json(content) + b"," + rest + b"}]" + self._usage + _END


def _fragment(piece: pb.ToolCallDelta) -> dict[str, Any]:
    function: dict[str, str] = {"arguments": piece.arguments_json}
    fragment: dict[str, Any] = {"index": piece.call_index, "function": function}
    if piece.tool_call_id:
        fragment |= {"id": piece.tool_call_id, "type": "function"}
    if piece.name:
        function["name"] = piece.name
    return fragment
