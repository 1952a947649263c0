"""A call to a model: what is asked, how it goes, how it ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.budgets.amount import Amount, nano_usd
from services.router.budgets.gate import UNLIMITED
from services.router.conversation import prompt_tokens
from services.router.ledger import CallPurpose, CallStatus, LedgerEntry
from services.router.tokens import estimate_tokens
from services.router.wire.exchange import Exchange, Usage

if TYPE_CHECKING:
    from services.router.budgets.gate import Gate, Reservation
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


@dataclass(slots=True, kw_only=True)
class ModelCall:
    """One call and, while it runs, its record."""

    model: PoolModel
    messages: tuple[Message, ...]
    purpose: CallPurpose
    layer_number: int
    gate: Gate = UNLIMITED
    """Asked before every attempt but the first."""
    reservation: Reservation = UNLIMITED
    """Of the first attempt; made together with those of the calls that start with it."""
    exchange: Exchange = field(init=False)
    """Its attempt."""
    started_s: float = field(default_factory=time.monotonic, init=False)
    ended_s: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.exchange = Exchange(
            model=self.model, base_url=self.model.base_url, messages=self.messages
        )

    @property
    def text(self) -> str:
        """The raw reply so far."""
        return self.exchange.text

    @property
    def worst(self) -> Amount:
        """What one attempt takes at most: a reply of full length."""
        prompt, reply = prompt_tokens(self.messages), self.model.max_reply_tokens
        return Amount(1, prompt + reply, nano_usd(self.model.cost_usd(prompt, reply)))

    def entry(self, status: CallStatus) -> LedgerEntry:
        """Returns the ledger entry of the call, as it stands now."""
        ended_s = self.ended_s or time.monotonic()
        exchange = self.exchange
        usage = exchange.usage or self._estimated_usage(status)
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
            estimated=exchange.usage is None,
            duration_s=ended_s - self.started_s,
            time_to_first_token_s=(
                None if exchange.first_text_s is None else exchange.first_text_s - self.started_s
            ),
            price_version=self.model.price_version,
        )

    def _estimated_usage(self, status: CallStatus) -> Usage:
        refused = {CallStatus.UNREACHABLE, CallStatus.RATE_LIMITED, CallStatus.REJECTED}
        if not self.exchange.sent or status in refused:
            return Usage(prompt_tokens=0, completion_tokens=0)
        written = estimate_tokens(self.text) + self.exchange.reasoning_characters // 3
        return Usage(prompt_tokens=prompt_tokens(self.messages), completion_tokens=written)
