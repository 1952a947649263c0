"""The pieces of an answer, as they come -> blocks, one after the other.

The Responses and the Messages API stream an answer as blocks: reasoning, text, a refusal, calls to
tools. A block begins, grows and ends before the next one begins. The router's pieces may alternate
between two calls: the pieces of a later call wait until the call before is whole JSON.
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from routemoa.v1 import model_pb2
    from routemoa.v1 import router_service_pb2 as pb


class BlockKind(enum.Enum):
    """The kind of a block."""

    REASONING = "reasoning"
    TEXT = "text"
    REFUSAL = "refusal"
    TOOL_CALL = "tool_call"


@dataclass(slots=True, kw_only=True)
class Block:
    """One block of an answer, as far as it came."""

    kind: BlockKind
    number: int
    """Its place among the blocks, from 0."""
    call_id: str = ""
    name: str = ""
    """The tool that is called."""
    text: str = ""
    """The text; of a call, its arguments as JSON."""
    log_probabilities: list[model_pb2.TokenLogProbability] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Begin:
    """A block begins."""

    block: Block


@dataclass(frozen=True, slots=True)
class Append:
    """A block goes on."""

    block: Block
    text: str
    log_probabilities: Sequence[model_pb2.TokenLogProbability] = ()


@dataclass(frozen=True, slots=True)
class End:
    """A block is whole."""

    block: Block


Step: TypeAlias = Begin | Append | End


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of one block."""

    kind: BlockKind
    text: str
    log_probabilities: Sequence[model_pb2.TokenLogProbability] = ()
    call_index: int = -1
    call_id: str = ""
    name: str = ""

    @property
    def key(self) -> tuple[BlockKind, int]:
        """The block that it belongs to."""
        return self.kind, self.call_index


class AnswerBlocks:
    """The blocks of one streamed answer."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._open: Block | None = None
        self._open_key: tuple[BlockKind, int] | None = None
        self._may_end: bool | None = None
        """True if the open block may end; None if that is not known."""
        self._waiting: list[_Piece] = []
        self._begun_calls: set[int] = set()

    def add(self, delta: pb.AnswerDelta) -> Iterator[Step]:
        """Takes the next pieces; yields what they change."""
        for piece in _pieces(delta):
            if self._open is not None and piece.key == self._open_key:
                yield from self._append(self._open, piece)
            else:
                self._waiting.append(piece)
            while self._waiting and self._open_may_end():
                yield from self._next_block()

    def finish(self, answer: model_pb2.Answer) -> Iterator[Step]:
        """Takes the answer as it ended; yields what no piece held, and the ends of blocks."""
        begun = {block.kind for block in self.blocks} | {piece.kind for piece in self._waiting}
        self._waiting += [piece for piece in _whole_pieces(answer) if piece.kind not in begun]
        while self._waiting:
            yield from self._next_block()
        yield from self._end()

    def _next_block(self) -> Iterator[Step]:
        """Ends the open block and begins that of the first piece that waits."""
        yield from self._end()
        first = self._waiting[0]
        pieces = [piece for piece in self._waiting if piece.key == first.key]
        self._waiting = [piece for piece in self._waiting if piece.key != first.key]
        if first.call_index in self._begun_calls:
            return  # white space after the last brace
        if first.kind is BlockKind.TOOL_CALL:
            self._begun_calls.add(first.call_index)
        block = Block(
            kind=first.kind, number=len(self.blocks), call_id=first.call_id, name=first.name
        )
        self.blocks.append(block)
        self._open, self._open_key = block, first.key
        yield Begin(block)
        for piece in pieces:
            yield from self._append(block, piece)

    def _append(self, block: Block, piece: _Piece) -> Iterator[Step]:
        if not piece.text and not piece.log_probabilities:
            return
        block.text += piece.text
        block.log_probabilities += piece.log_probabilities
        self._may_end = None
        yield Append(block, piece.text, piece.log_probabilities)

    def _open_may_end(self) -> bool:
        if self._may_end is None:
            block = self._open
            self._may_end = (
                block is None
                or block.kind is not BlockKind.TOOL_CALL
                or _is_json_object(block.text)
            )
        return self._may_end

    def _end(self) -> Iterator[Step]:
        block, self._open, self._open_key, self._may_end = self._open, None, None, None
        if block is not None:
            yield End(block)


def _pieces(delta: pb.AnswerDelta) -> Iterator[_Piece]:
    if delta.reasoning:
        yield _Piece(BlockKind.REASONING, delta.reasoning)
    if delta.text or delta.log_probabilities:
        yield _Piece(BlockKind.TEXT, delta.text, delta.log_probabilities)
    if delta.refusal:
        yield _Piece(BlockKind.REFUSAL, delta.refusal)
    for call in delta.tool_calls:
        yield _Piece(
            BlockKind.TOOL_CALL,
            call.arguments_json,
            call_index=call.call_index,
            call_id=call.tool_call_id,
            name=call.name,
        )


def _whole_pieces(answer: model_pb2.Answer) -> Iterator[_Piece]:
    if answer.reasoning:
        yield _Piece(BlockKind.REASONING, answer.reasoning)
    if answer.text:
        yield _Piece(BlockKind.TEXT, answer.text, answer.log_probabilities)
    if answer.refusal:
        yield _Piece(BlockKind.REFUSAL, answer.refusal)
    for index, call in enumerate(answer.tool_calls):
        yield _Piece(
            BlockKind.TOOL_CALL,
            call.arguments_json,
            call_index=index,
            call_id=call.tool_call_id,
            name=call.name,
        )


def answer_blocks(answer: model_pb2.Answer) -> list[Block]:
    """Returns the blocks of a whole answer."""
    blocks = AnswerBlocks()
    for _ in blocks.finish(answer):
        pass  # the blocks grow meanwhile
    return blocks.blocks


def _is_json_object(text: str) -> bool:
    if not text.rstrip().endswith("}"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
