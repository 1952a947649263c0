"""Collects the pieces of a reply: text, calls to tools, a refusal, and more."""

from __future__ import annotations

import io
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
    from services.router.types.pieces import Piece

    OtherPiece = ToolCallPiece | ReasoningPiece | RefusalPiece | LogProbabilitiesPiece


@dataclass(slots=True, kw_only=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class CollectedReply:
    """Takes pieces in constant time and joins them when they are read."""

    _written: io.StringIO = field(default_factory=io.StringIO, init=False)
    _calls: dict[int, _Call] = field(default_factory=dict, init=False)
    _refusal: list[str] = field(default_factory=list, init=False)
    _reasoning: list[str] = field(default_factory=list, init=False)
    _log_probabilities: list[TokenLogProbability] = field(default_factory=list, init=False)

    def add_text(self, text: str) -> None:
        """Appends text."""
        self._written.write(text)

    def add(self, piece: Piece) -> None:
        """Appends a piece."""
        if isinstance(piece, str):  # by far the most frequent case
            self._written.write(piece)
        else:
            self._add_other(piece)

    def _add_other(self, piece: OtherPiece) -> None:
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
    def text(self) -> str:
        """The raw text so far."""
        return self._written.getvalue()

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls to tools so far; the arguments of the last ones may be incomplete."""
        return tuple(
            ToolCall(id=call.id, name=call.name, arguments_json="".join(call.arguments))
            for _, call in sorted(self._calls.items())
        )

    @property
    def refusal(self) -> str:
        """The text of a refusal so far; empty from backends that have no field for it."""
        return "".join(self._refusal)

    @property
    def reasoning(self) -> str:
        """The reasoning so far; empty unless the options ask for it."""
        return "".join(self._reasoning)

    @property
    def log_probabilities(self) -> tuple[TokenLogProbability, ...]:
        """The log probabilities so far; none unless the options ask for them."""
        return tuple(self._log_probabilities)

    @property
    def is_answer(self) -> bool:
        """True if it has more than reasoning."""
        return bool(self.text or self.tool_calls or self.refusal)

    @property
    def has_begun(self) -> bool:
        """True once any piece has come."""
        return bool(self._written.tell() or self._reasoning) or not self.is_text_alone

    @property
    def is_text_alone(self) -> bool:
        """True if the reply so far can be continued: it is text, after reasoning or none."""
        return not (self._calls or self._refusal or self._log_probabilities)
