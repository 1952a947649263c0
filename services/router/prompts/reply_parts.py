"""The parts of a reply that comes in pieces: text, calls to tools, reasoning, refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.router.routing.events import Answer
from services.router.types.ledger import FinishReason, answer_tokens, finish_reason
from services.router.types.messages import ToolCall
from services.router.types.pieces import (
    LogProbabilitiesPiece,
    ReasoningPiece,
    RefusalPiece,
    ToolCallPiece,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.prompts.replies import Reply
    from services.router.types.ledger import LedgerEntry
    from services.router.types.pieces import Piece, TokenLogProbability


class Parts:
    """Collects the pieces of a reply."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._calls: dict[int, _Call] = {}
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._tokens: list[TokenLogProbability] = []

    @property
    def have_begun(self) -> bool:
        """True if any piece has come."""
        return bool(self._texts or self._calls or self._reasoning or self._refusal)

    @property
    def are_answer(self) -> bool:
        """True if there is more than reasoning."""
        return bool(self._texts or self._calls or self._refusal)

    def add(self, piece: Piece) -> None:
        """Adds a piece."""
        match piece:
            case str():
                self._texts.append(piece)
            case ToolCallPiece():
                self._calls.setdefault(piece.call_index, _Call()).add(piece)
            case ReasoningPiece():
                self._reasoning.append(piece.text)
            case RefusalPiece():
                self._refusal.append(piece.text)
            case LogProbabilitiesPiece():
                self._tokens += piece.tokens

    def answer(self, model_id: str) -> Answer:
        """Returns the answer so far."""
        return Answer(
            model_id=model_id,
            text="".join(self._texts),
            tool_calls=tuple(self._calls[index].whole() for index in sorted(self._calls)),
            reasoning="".join(self._reasoning),
            refusal="".join(self._refusal),
            log_probabilities=tuple(self._tokens),
        )

    def proposal(self, model_id: str, reply: Reply) -> Answer:
        """Returns the answer of a proposal whose text was taken apart; a refusal has no text."""
        refusal = "".join(self._refusal)
        return Answer(
            model_id=model_id,
            text="" if refusal else reply.answer,
            self_score=reply.self_score,
            grades=reply.grades,
            tool_calls=tuple(self._calls[index].whole() for index in sorted(self._calls)),
            reasoning="".join(self._reasoning),
            refusal=refusal,
        )


def missing_arguments(shown: Answer, whole: Answer) -> tuple[ToolCallPiece, ...]:
    """Returns the arguments of calls that were shown without any: an empty object each."""
    return tuple(
        ToolCallPiece(call_index=index, arguments_json=call.arguments_json)
        for index, (call, was) in enumerate(zip(whole.tool_calls, shown.tool_calls, strict=True))
        if call != was
    )


class _Call:
    def __init__(self) -> None:
        self._id = self._name = ""
        self._arguments: list[str] = []

    def add(self, piece: ToolCallPiece) -> None:
        self._id = self._id or piece.id
        self._name = self._name or piece.name
        self._arguments.append(piece.arguments_json)

    def whole(self) -> ToolCall:
        return ToolCall(id=self._id, name=self._name, arguments_json="".join(self._arguments))


def booked_answer(answer: Answer, entries: Sequence[LedgerEntry]) -> Answer:
    """Returns an answer with its tokens and its end, as the attempts at its call were booked."""
    prompt_tokens, completion_tokens = answer_tokens(entries)
    return replace(
        answer,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        finish_reason=_end_of(answer, finish_reason(entries)),
    )


def _end_of(answer: Answer, reported: FinishReason | None) -> FinishReason | None:
    """Returns the end of an answer: what the backend said, unless its parts say more."""
    if answer.refusal:
        return FinishReason.REFUSAL
    if answer.tool_calls and reported in {None, FinishReason.STOP}:
        return FinishReason.TOOL_CALLS
    return reported
