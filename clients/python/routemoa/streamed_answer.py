"""Collects the answer of a stream from its deltas: events in, `Answer` out."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from routemoa.v1.model_pb2 import Answer, ToolCall

if TYPE_CHECKING:
    from routemoa.v1.router_service_pb2 import AnswerDelta, StreamAnswerResponse


class StreamedAnswer:
    """The answer of a stream, as far as it has come."""

    def __init__(self) -> None:
        self._said = Answer()
        self._calls: dict[int, ToolCall] = {}
        self._account = Answer()

    def add(self, event: StreamAnswerResponse) -> None:
        """Adds the next event of the stream; events that say nothing of the answer do no harm."""
        match event.WhichOneof("event"):
            case "delta":
                self._append(event.delta)
            case "reset":
                self._said = Answer()
                self._calls = {}
            case "result":
                self._account = event.result.answer

    @property
    def answer(self) -> Answer:
        """The answer since the last reset; after the result also with model, counts and scores."""
        answer = Answer()
        answer.CopyFrom(self._account)
        answer.text, answer.refusal = self._said.text, self._said.refusal
        answer.reasoning = self._said.reasoning
        del answer.tool_calls[:]
        answer.tool_calls.extend(call for _, call in sorted(self._calls.items(), key=itemgetter(0)))
        del answer.log_probabilities[:]
        answer.log_probabilities.extend(self._said.log_probabilities)
        return answer

    def _append(self, delta: AnswerDelta) -> None:
        said = self._said
        said.text += delta.text
        said.refusal += delta.refusal
        said.reasoning += delta.reasoning
        said.log_probabilities.extend(delta.log_probabilities)
        for piece in delta.tool_calls:
            call = self._calls.setdefault(piece.call_index, ToolCall())
            call.tool_call_id = call.tool_call_id or piece.tool_call_id
            call.name = call.name or piece.name
            call.arguments_json += piece.arguments_json
