"""One attempt at one endpoint: what is sent, and what has come back so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.router.conversation import Message
    from services.router.ledger import CallStatus
    from services.router.pool import PoolModel


class AttemptFailedError(Exception):
    """An attempt that brought no whole reply.

    Args:
        status: How it ended.
    """

    def __init__(self, status: CallStatus, *, retry_after_s: float | None = None) -> None:
        super().__init__(status.name)
        self.status = status
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the backend says that an attempt used."""

    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
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
    """The start of the answer, from which the backend is to go on; only where its dialect `continues`."""
    sent: bool = field(default=False, init=False)
    """Whether the backend may have begun to work on it."""
    text: str = field(default="", init=False)
    """The raw reply so far."""
    reasoning_characters: int = field(default=0, init=False)
    """Length of the reasoning that came apart from the reply."""
    usage: Usage | None = field(default=None, init=False)
    first_text_s: float | None = field(default=None, init=False)
    """When the first text came, by the monotonic clock."""

    def add_text(self, text: str) -> None:
        """Notes more of the reply."""
        if self.first_text_s is None:
            self.first_text_s = time.monotonic()
        self.text += text
