"""Collects what comes beside the text of a reply: calls to tools, a refusal, and more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from services.router.types.messages import ToolCall
from services.router.types.pieces import (
    LogProbabilitiesPiece,
    ReasoningPiece,
    RefusalPiece,
    TokenLogProbability,
    ToolCallPiece,
)

if TYPE_CHECKING:
    OtherPiece = ToolCallPiece | ReasoningPiece | RefusalPiece | LogProbabilitiesPiece


@dataclass(slots=True, kw_only=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class Collected:
    """Takes pieces in constant time and joins them when they are read."""

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        self._refusal: list[str] = []
        self._reasoning: list[str] = []
        self._log_probabilities: list[TokenLogProbability] = []

    def add(self, piece: OtherPiece) -> None:
        """Takes the next piece."""
        match piece:
            case ToolCallPiece():
                call = self._calls.setdefault(piece.call_index, _Call())
                call.id = call.id or piece.id
                call.name = call.name or piece.name
                call.arguments.append(piece.arguments_json)
            case RefusalPiece():
                self._refusal.append(piece.text)
            case ReasoningPiece():
                self._reasoning.append(piece.text)
            case LogProbabilitiesPiece():
                self._log_probabilities += piece.tokens
            case _:
                assert_never(piece)

    @property
    def has_any(self) -> bool:
        """True once any piece has come."""
        return bool(self._calls or self._refusal or self._reasoning or self._log_probabilities)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls so far, in their order."""
        return tuple(
            ToolCall(id=call.id, name=call.name, arguments_json="".join(call.arguments))
            for _, call in sorted(self._calls.items())
        )

    @property
    def refusal(self) -> str:
        """The text of the refusal so far."""
        return "".join(self._refusal)

    @property
    def reasoning(self) -> str:
        """The reasoning so far."""
        return "".join(self._reasoning)

    @property
    def log_probabilities(self) -> tuple[TokenLogProbability, ...]:
        """The log probabilities so far."""
        return tuple(self._log_probabilities)
