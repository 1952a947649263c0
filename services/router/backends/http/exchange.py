"""One attempt at one endpoint: what is sent, and what has come back so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.router.pool.pool import PoolModel
    from services.router.types.conversation import Message

_CHARACTERS_PER_TOKEN = 3
"""As in `tokens.py`; reasoning is counted by its length, since its text is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the backend says that an attempt used."""

    prompt_tokens: int
    completion_tokens: int
    """Tokens written, those of reasoning included."""
    cached_prompt_tokens: int = 0
    """Of the tokens read, those that the backend had in its cache."""
    reasoning_tokens: int | None = None
    """Of the tokens written, those of reasoning; None where the backend does not say."""
    cost_usd: float | None = None
    """As billed by the backend; None where it does not say."""


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One attempt and, while it runs, its record.

    The record is kept as the reply comes in, so that an attempt that is cut off at any moment is still
    billed for what it used.
    """

    model: PoolModel
    base_url: str
    """Of the endpoint, without a slash at its end."""
    messages: tuple[Message, ...]
    partial: str = ""
    """The start of the answer, where the backend is to go on from it; its dialect `continues` then."""
    sent: bool = field(default=False, init=False)
    """Whether the backend may have begun to work on it."""
    text: str = field(default="", init=False)
    """The reply so far, without reasoning and without `partial`."""
    reasoning_characters: int = field(default=0, init=False)
    usage: Usage | None = field(default=None, init=False)
    first_text_s: float | None = field(default=None, init=False)
    """When the first text came, by the monotonic clock."""

    def add_text(self, text: str) -> None:
        """Notes more of the reply."""
        if self.first_text_s is None:
            self.first_text_s = time.monotonic()
        self.text += text

    @property
    def reasoning_tokens(self) -> int:
        """Tokens of reasoning: as the backend counts them, else their share of what was written."""
        if self.usage is None:
            return self.reasoning_characters // _CHARACTERS_PER_TOKEN
        if self.usage.reasoning_tokens is not None:
            return self.usage.reasoning_tokens
        written = self.reasoning_characters + len(self.text)
        return self.usage.completion_tokens * self.reasoning_characters // max(1, written)
