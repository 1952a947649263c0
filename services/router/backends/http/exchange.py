"""One attempt at one endpoint: the request, and the state of the reply."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from services.router.pool.model import PoolModel
    from services.router.types.conversation import Message
    from services.router.types.ledger import FinishReason

    Send = Callable[["Exchange"], AsyncGenerator[str, None]]
    """Sends an exchange and yields the reply; see `WireClient.stream`."""

_CHARACTERS_PER_TOKEN = 3
"""The ratio of `tokens.py`. Reasoning is counted by its length, since its text is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The usage that a backend reports for an attempt."""

    prompt_tokens: int
    completion_tokens: int
    """Tokens written, those of reasoning included."""
    cached_prompt_tokens: int = 0
    """Tokens of the prompt that the backend had in its cache."""
    cache_written_prompt_tokens: int = 0
    """Tokens of the prompt that the backend wrote to its cache."""
    reasoning_tokens: int | None = None
    """Tokens of reasoning among those written; None if not reported."""
    cost_usd: float | None = None
    """Cost as billed by the backend; None if not reported."""


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
    cache_salt: str = ""
    """Keeps the caller's tenant apart in the backend's cache; empty without tenants."""
    sent: bool = field(default=False, init=False)
    """True once the backend may have begun to work on it."""
    _written: io.StringIO = field(default_factory=io.StringIO, init=False)
    reasoning_characters: int = field(default=0, init=False)
    usage: Usage | None = field(default=None, init=False)
    finish_reason: FinishReason | None = field(default=None, init=False)
    """The end of the reply, as the backend gave it."""
    backend_message: str = field(default="", init=False)
    """The backend's own words about a failure, on one line."""
    first_text_s: float | None = field(default=None, init=False)
    """Monotonic time of the first text."""

    def add_text(self, text: str) -> None:
        """Appends text to the reply."""
        if self.first_text_s is None:
            self.first_text_s = time.monotonic()
        self._written.write(text)

    @property
    def text(self) -> str:
        """The reply so far, without reasoning and without `partial`."""
        return self._written.getvalue()

    @property
    def received_characters(self) -> int:
        """Characters of text and reasoning so far."""
        return self._written.tell() + self.reasoning_characters

    @property
    def reasoning_tokens(self) -> int:
        """Tokens of reasoning: the backend's count, or else their share of the tokens written."""
        if self.usage is None:
            return self.reasoning_characters // _CHARACTERS_PER_TOKEN
        if self.usage.reasoning_tokens is not None:
            return self.usage.reasoning_tokens
        written = self.reasoning_characters + len(self.text)
        return self.usage.completion_tokens * self.reasoning_characters // max(1, written)
