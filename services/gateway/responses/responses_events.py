"""Events of the router -> the events of a streamed response.

Clients need the whole set: `created` first, `added` and `done` around every item and part, and
`completed`, `incomplete` or `failed` at the end. Events are numbered from 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.gateway.extension import FIELD
from services.gateway.replies import sse
from services.gateway.replies.answer_blocks import AnswerBlocks, Append, Begin, Block, BlockKind
from services.gateway.replies.void_answer import answer_reset
from services.gateway.report import routing_report
from services.gateway.responses import output_items, responses_errors
from services.gateway.responses.response import IN_PROGRESS, Ending, ending, response_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routemoa.v1 import router_service_pb2 as pb
    from services.gateway.api import ApiError, Call
    from services.gateway.replies.answer_blocks import Step


class ResponseEvents:
    """The events of one streamed response."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._answer = AnswerBlocks()
        self._sequence_number = 2  # after those of `begin`

    def begin(self) -> bytes:
        """Returns the events before the first of the router."""
        response = response_object(self._call, (), IN_PROGRESS)
        created = {"type": "response.created", "sequence_number": 0, "response": response}
        in_progress = {"type": "response.in_progress", "sequence_number": 1, "response": response}
        return sse.named_event(created) + sse.named_event(in_progress)

    def event(self, event: pb.StreamAnswerResponse) -> bytes:
        """Returns what an event of the router sends.

        Raises:
            ApiError: What was sent is void, and this API cannot take it back.
        """
        kind = event.WhichOneof("event")
        if kind == "delta":
            return self._steps(self._answer.add(event.delta))
        if kind == "reset" and self._answer.blocks:
            raise answer_reset()
        if kind == "result":
            return self._end(event.result)
        return b""

    def keep_alive(self) -> bytes:
        """Returns a comment."""
        return sse.COMMENT

    def fail(self, error: ApiError, request_id: str) -> bytes:
        """Returns the end of a stream that failed."""
        detail = responses_errors.error_body(error, request_id)[1]["error"]
        blocks = output_items.items(self._call.reply_id, self._answer.blocks, "incomplete")
        end = Ending(
            status="failed",
            error={"code": responses_errors.response_code(error), "message": detail["message"]},
        )
        return self._event(
            "error",
            code=detail["code"],
            message=detail["message"],
            param=detail["param"],
            error=detail,
        ) + self._event("response.failed", response=response_object(self._call, blocks, end))

    def _end(self, result: pb.GenerateAnswerResponse) -> bytes:
        sent = self._steps(self._answer.finish(result.answer))
        end = ending(self._call, result)
        output = output_items.items(self._call.reply_id, self._answer.blocks, end.status)
        response = {
            **response_object(self._call, output, end),
            FIELD: routing_report(result, self._call.routing, self._call.layers),
        }
        return sent + self._event(f"response.{end.status}", response=response)

    def _steps(self, steps: Iterator[Step]) -> bytes:
        return b"".join(self._step(step) for step in steps)

    def _step(self, step: Step) -> bytes:
        if isinstance(step, Append):
            return self._appended(step)
        if isinstance(step, Begin):
            return self._begun(step.block)
        return self._ended(step.block)

    def _begun(self, block: Block) -> bytes:
        item = output_items.begun_item(self._call.reply_id, block)
        sent = self._event("response.output_item.added", output_index=block.number, item=item)
        if block.kind is BlockKind.REASONING:
            part = output_items.summary_part(block, whole=False)
            return sent + self._of_summary(
                "response.reasoning_summary_part.added", block, part=part
            )
        if block.kind is BlockKind.TOOL_CALL:
            return sent
        part = output_items.content_part(block, whole=False)
        return sent + self._of_content("response.content_part.added", block, part=part)

    def _appended(self, step: Append) -> bytes:
        block, delta = step.block, step.text
        match block.kind:
            case BlockKind.TEXT:
                tokens = output_items.log_probabilities(step.log_probabilities)
                return self._of_content(
                    "response.output_text.delta", block, delta=delta, logprobs=tokens
                )
            case BlockKind.REFUSAL:
                return self._of_content("response.refusal.delta", block, delta=delta)
            case BlockKind.TOOL_CALL:
                return self._of_item("response.function_call_arguments.delta", block, delta=delta)
            case BlockKind.REASONING:
                return self._of_summary("response.reasoning_summary_text.delta", block, delta=delta)

    def _ended(self, block: Block) -> bytes:
        item = output_items.whole_item(self._call.reply_id, block)
        return self._text_ended(block) + self._event(
            "response.output_item.done", output_index=block.number, item=item
        )

    def _text_ended(self, block: Block) -> bytes:
        if block.kind is BlockKind.TOOL_CALL:
            return self._of_item(
                "response.function_call_arguments.done",
                block,
                name=block.name,
                arguments=block.text,
            )
        if block.kind is BlockKind.REASONING:
            part = output_items.summary_part(block, whole=True)
            return self._of_summary(
                "response.reasoning_summary_text.done", block, text=block.text
            ) + self._of_summary("response.reasoning_summary_part.done", block, part=part)
        if block.kind is BlockKind.REFUSAL:
            sent = self._of_content("response.refusal.done", block, refusal=block.text)
        else:
            tokens = output_items.log_probabilities(block.log_probabilities)
            sent = self._of_content(
                "response.output_text.done", block, text=block.text, logprobs=tokens
            )
        part = output_items.content_part(block, whole=True)
        return sent + self._of_content("response.content_part.done", block, part=part)

    def _of_content(self, kind: str, block: Block, **fields: object) -> bytes:
        return self._of_item(kind, block, content_index=0, **fields)

    def _of_summary(self, kind: str, block: Block, **fields: object) -> bytes:
        return self._of_item(kind, block, summary_index=0, **fields)

    def _of_item(self, kind: str, block: Block, **fields: object) -> bytes:
        return self._event(
            kind,
            item_id=output_items.item_id(self._call.reply_id, block),
            output_index=block.number,
            **fields,
        )

    def _event(self, kind: str, **fields: Any) -> bytes:
        number = self._sequence_number
        self._sequence_number += 1
        return sse.named_event({"type": kind, "sequence_number": number, **fields})
