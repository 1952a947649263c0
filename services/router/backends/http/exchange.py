"""One attempt at one endpoint: the request, and the state of the reply."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.types.options import NO_OPTIONS, GenerationOptions
from services.router.types.pieces import RefusalPiece, ToolCallPiece
from services.router.types.tokens import tokens_of_weight, weight

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from services.router.backends.http.usage import Usage
    from services.router.pool.model import PoolModel
    from services.router.types.ledger import FinishReason
    from services.router.types.messages import Message
    from services.router.types.pieces import Piece

    Send = Callable[["Exchange"], AsyncGenerator[Piece, None]]
    """Sends an exchange and yields the reply; see `WireClient.stream`."""


@dataclass(slots=True, kw_only=True)
class Exchange:
    """The request of an attempt, and the record of its reply.

    The record is updated as the reply comes in, so that an attempt that is cut off is still billed for
    what it used.
    """

    model: PoolModel
    base_url: str
    """The endpoint, without a slash at the end."""
    messages: tuple[Message, ...]
    partial: str = ""
    """The start of the answer that the backend continues; only for `CONTINUING_BACKENDS`."""
    options: GenerationOptions = NO_OPTIONS
    """The caller's wishes that concern the backend."""
    cache_salt: str = ""
    """Keeps the caller's tenant apart in the backend's cache; empty without tenants."""
    trace_headers: tuple[tuple[str, str], ...] = field(default=(), init=False)
    """The headers that make the request part of a trace."""
    http_status: int | None = field(default=None, init=False)
    """The HTTP status of a refusal; None if there was none."""
    sent: bool = field(default=False, init=False)
    """True once the backend may have begun to work on it."""
    _written: io.StringIO = field(default_factory=io.StringIO, init=False)
    reasoning_characters: int = field(default=0, init=False)
    reasoning_weight: int = field(default=0, init=False)
    """Weight of the reasoning, whose text is not kept; see `tokens`."""
    other_characters: int = field(default=0, init=False)
    other_weight: int = field(default=0, init=False)
    """Weight of calls to tools and of a refusal, which are not kept here; see `tokens`."""
    reported: Usage | None = field(default=None, init=False)
    """The counts that the backend reported, whole or not."""
    finish_reason: FinishReason | None = field(default=None, init=False)
    """The end of the reply, as the backend gave it."""
    backend_message: str = field(default="", init=False)
    """The backend's own words about a failure, on one line."""
    first_piece_s: float | None = field(default=None, init=False)
    """Monotonic time of the first piece of the reply."""

    def add(self, piece: Piece) -> None:
        """Records a piece of the reply; of text, all of it."""
        if self.first_piece_s is None:
            self.first_piece_s = time.monotonic()
        if isinstance(piece, str):  # by far the most frequent case
            self._written.write(piece)
        elif isinstance(piece, ToolCallPiece):
            self._add_other(piece.name + piece.arguments_json)
        elif isinstance(piece, RefusalPiece):
            self._add_other(piece.text)

    def _add_other(self, text: str) -> None:
        self.other_characters += len(text)
        self.other_weight += weight(text)

    @property
    def text(self) -> str:
        """The text so far, without reasoning and without `partial`."""
        return self._written.getvalue()

    @property
    def written_tokens(self) -> int:
        """The estimated tokens of the reply so far, those of reasoning included."""
        others = tokens_of_weight(self.other_weight)
        return self.model.count_tokens(self.text) + others + self.reasoning_tokens

    @property
    def has_answer(self) -> bool:
        """True once text, a call to a tool or a refusal has come."""
        return bool(self._written.tell() or self.other_characters)

    @property
    def received_characters(self) -> int:
        """Characters of the reply so far, those of reasoning included."""
        return self._written.tell() + self.other_characters + self.reasoning_characters

    @property
    def usage(self) -> Usage | None:
        """The usage that the backend reported; None unless it counts prompt and reply."""
        reported = self.reported
        if reported is None or not reported.prompt_tokens:
            return None
        return None if self.received_characters and not reported.completion_tokens else reported

    @property
    def reasoning_tokens(self) -> int:
        """Tokens of reasoning: the backend's count, or else their share of the tokens written."""
        usage = self.usage
        if usage is None:
            return tokens_of_weight(self.reasoning_weight)
        if usage.reasoning_tokens is not None:
            return usage.reasoning_tokens
        written = max(1, self.received_characters)
        return usage.completion_tokens * self.reasoning_characters // written
