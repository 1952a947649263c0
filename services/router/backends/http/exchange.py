"""One attempt at one endpoint: the request, and the state of the reply."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.types.options import NO_OPTIONS, GenerationOptions
from services.router.types.tokens import tokens_of_weight

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from services.router.backends.http.usage import Usage
    from services.router.pool.model import PoolModel
    from services.router.types.ledger import FinishReason
    from services.router.types.messages import Message

    Send = Callable[["Exchange"], AsyncGenerator[str, None]]
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
    sent: bool = field(default=False, init=False)
    """True once the backend may have begun to work on it."""
    _written: io.StringIO = field(default_factory=io.StringIO, init=False)
    reasoning_characters: int = field(default=0, init=False)
    reasoning_weight: int = field(default=0, init=False)
    """Weight of the reasoning, whose text is not kept; see `tokens`."""
    reported: Usage | None = field(default=None, init=False)
    """The counts that the backend reported, whole or not."""
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
    def usage(self) -> Usage | None:
        """The usage that the backend reported; None unless it counts the prompt and all text."""
        reported = self.reported
        if reported is None or not reported.prompt_tokens:
            return None
        wrote = self.reasoning_characters or self._written.tell()
        return None if wrote and not reported.completion_tokens else reported

    @property
    def reasoning_tokens(self) -> int:
        """Tokens of reasoning: the backend's count, or else their share of the tokens written."""
        usage = self.usage
        if usage is None:
            return tokens_of_weight(self.reasoning_weight)
        if usage.reasoning_tokens is not None:
            return usage.reasoning_tokens
        written = self.reasoning_characters + len(self.text)
        return usage.completion_tokens * self.reasoning_characters // max(1, written)
