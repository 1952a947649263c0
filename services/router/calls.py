"""A call to a model: what is asked, how it goes, how it ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.conversation import prompt_tokens
from services.router.ledger import CallPurpose, CallStatus, LedgerEntry
from services.router.tokens import estimate_tokens

if TYPE_CHECKING:
    from services.router.conversation import Message
    from services.router.pool import PoolModel


class CallFailedError(Exception):
    """A call that brought no whole reply.

    Args:
        status: How it ended.
    """

    def __init__(self, status: CallStatus) -> None:
        super().__init__(status.name)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the backend says that a call used."""

    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    """As billed by the backend; None where it does not say."""


@dataclass(slots=True, kw_only=True)
class ModelCall:
    """One call and, while it runs, its record.

    The record is kept as the reply comes in, so that a call that is cut off at any moment is still
    billed for what it used.
    """

    model: PoolModel
    messages: tuple[Message, ...]
    purpose: CallPurpose
    layer_number: int
    text: str = field(default="", init=False)
    """The raw reply so far."""
    reasoning_characters: int = field(default=0, init=False)
    """Length of the reasoning that came apart from the reply."""
    usage: Usage | None = field(default=None, init=False)
    started_s: float = field(default_factory=time.monotonic, init=False)
    first_text_s: float | None = field(default=None, init=False)
    ended_s: float | None = field(default=None, init=False)
    sent: bool = field(default=False, init=False)
    """Whether the backend may have begun to work on it."""

    def add_text(self, text: str) -> None:
        """Notes more of the reply."""
        if self.first_text_s is None:
            self.first_text_s = time.monotonic()
        self.text += text

    def entry(self, status: CallStatus) -> LedgerEntry:
        """Returns the ledger entry of the call, as it stands now."""
        ended_s = self.ended_s or time.monotonic()
        usage = self.usage or self._estimated_usage(status)
        cost_usd = usage.cost_usd
        if cost_usd is None:
            cost_usd = self.model.cost_usd(usage.prompt_tokens, usage.completion_tokens)
        return LedgerEntry(
            model_id=self.model.id,
            purpose=self.purpose,
            status=status,
            layer_number=self.layer_number,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cost_usd=cost_usd,
            estimated=self.usage is None,
            duration_s=ended_s - self.started_s,
            time_to_first_token_s=(
                None if self.first_text_s is None else self.first_text_s - self.started_s
            ),
            price_version=self.model.price_version,
        )

    def _estimated_usage(self, status: CallStatus) -> Usage:
        refused = {CallStatus.UNREACHABLE, CallStatus.RATE_LIMITED, CallStatus.REJECTED}
        if not self.sent or status in refused:
            return Usage(prompt_tokens=0, completion_tokens=0, cost_usd=0.0)
        written = estimate_tokens(self.text) + self.reasoning_characters // 3
        return Usage(
            prompt_tokens=prompt_tokens(self.messages), completion_tokens=written, cost_usd=None
        )
