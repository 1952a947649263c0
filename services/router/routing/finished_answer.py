"""Completes an answer at the end of its reply: tokens, finish reason, missing arguments."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.router.types.ledger import FinishReason, answer_tokens, finish_reason
from services.router.types.pieces import ToolCallPiece

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.routing.events import Answer
    from services.router.types.ledger import LedgerEntry
    from services.router.types.messages import ToolCall


def booked_answer(answer: Answer, entries: Sequence[LedgerEntry]) -> Answer:
    """Returns an answer with its tokens and its end, as the attempts at its call were booked."""
    prompt_tokens, completion_tokens = answer_tokens(entries)
    return replace(
        answer,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        finish_reason=_end_of(answer, finish_reason(entries)),
    )


def missing_arguments(
    shown: Sequence[ToolCall], whole: Sequence[ToolCall]
) -> tuple[ToolCallPiece, ...]:
    """Returns the arguments of calls that were shown without any: an empty object each."""
    return tuple(
        ToolCallPiece(call_index=index, arguments_json=call.arguments_json)
        for index, (call, was) in enumerate(zip(whole, shown, strict=True))
        if call != was
    )


def _end_of(answer: Answer, reported: FinishReason | None) -> FinishReason | None:
    """Returns the end of an answer: what the backend said, unless its parts say more."""
    if answer.refusal:
        return FinishReason.REFUSAL
    if answer.tool_calls and reported in {None, FinishReason.STOP}:
        return FinishReason.TOOL_CALLS
    return reported or answer.finish_reason
