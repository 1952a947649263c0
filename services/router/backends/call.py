"""A call to a model, and every attempt that is made to have it answered."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.backends.http.exchange import Exchange, Usage
from services.router.budgets.reservation import UNLIMITED
from services.router.types.amounts import Amount, nano_usd, used_by
from services.router.types.conversation import prompt_tokens
from services.router.types.ledger import AttemptKind, CallPurpose, CallStatus, LedgerEntry

if TYPE_CHECKING:
    from services.router.budgets.reservation import Gate, Reservation
    from services.router.pool.pool import PoolModel
    from services.router.types.conversation import Message
    from services.router.types.deadline import Deadline
    from services.router.types.ledger import Ledger

_FREE = frozenset({CallStatus.UNREACHABLE, CallStatus.RATE_LIMITED, CallStatus.REJECTED})
"""How attempts end of which the backend has read nothing that it would bill."""


class CallFailedError(Exception):
    """A call that brought no whole reply.

    Args:
        status: How it ended.
    """

    def __init__(self, status: CallStatus) -> None:
        super().__init__(status.name)
        self.status = status


@dataclass(slots=True, kw_only=True, eq=False)
class Attempt:
    """One try at one endpoint and, while it runs, its record."""

    kind: AttemptKind
    exchange: Exchange
    reservation: Reservation
    started_s: float = field(default_factory=time.monotonic, init=False)
    ended_s: float | None = field(default=None, init=False)
    status: CallStatus | None = field(default=None, init=False)
    """How it ended; None while it runs, and for good if whoever waited for it stopped."""

    def end(self, status: CallStatus | None) -> None:
        """Notes the end; the first one counts."""
        if self.ended_s is None:
            self.ended_s = time.monotonic()
            self.status = status

    @property
    def first_text_after_s(self) -> float | None:
        """Time until the first text; None if none came."""
        first_s = self.exchange.first_text_s
        return None if first_s is None else first_s - self.started_s

    @property
    def usage(self) -> Usage:
        """What it used: by the backend's word, or by the router's estimate where there is none."""
        exchange = self.exchange
        if exchange.usage is not None:
            return exchange.usage
        if not exchange.sent or self.status in _FREE:
            return Usage(prompt_tokens=0, completion_tokens=0)
        count = exchange.model.count_tokens
        return Usage(
            prompt_tokens=prompt_tokens(exchange.messages, count) + count(exchange.partial),
            completion_tokens=count(exchange.text) + exchange.reasoning_tokens,
        )


@dataclass(slots=True, kw_only=True)
class ModelCall:
    """What a model is asked, and the attempts so far."""

    model: PoolModel
    messages: tuple[Message, ...]
    purpose: CallPurpose
    layer_number: int
    session: str | None = None
    """What a chat of several turns is known by; its calls prefer one replica."""
    deadline: Deadline | None = None
    """Until when an attempt makes sense."""
    patient: bool = False
    """Whether no other model could stand in, so that waiting for this one makes sense."""
    gate: Gate = UNLIMITED
    """Asked before every attempt but the first."""
    reservation: Reservation = UNLIMITED
    """Of the first attempt; made together with those of the calls that start with it."""
    attempts: list[Attempt] = field(default_factory=list, init=False)
    """In the order in which they were started."""
    text: str = field(default="", init=False)
    """The raw reply so far, whichever attempts wrote it."""

    @property
    def worst(self) -> Amount:
        """What one attempt takes at most: a reply of full length."""
        prompt, reply = prompt_tokens(self.messages), self.model.max_reply_tokens
        return Amount(1, prompt + reply, nano_usd(self.model.cost_usd(prompt, reply)))

    async def attempt(
        self,
        base_url: str,
        kind: AttemptKind,
        *,
        messages: tuple[Message, ...] | None = None,
        partial: str = "",
    ) -> Attempt:
        """Returns a new attempt, of which nothing has been sent yet.

        Args:
            base_url: Of the endpoint, without a slash at the end.
            kind: Why it is made.
            messages: What is sent, if it is not the call's own.
            partial: The start of the reply, from which the backend is to go on.

        Raises:
            NoRoomError: There is no room for a further attempt, or nobody can say.
        """
        reservation = self.reservation
        if self.attempts:
            reservation = await self.gate.admit(self.worst)
        exchange = Exchange(
            model=self.model,
            base_url=base_url,
            messages=messages or self.messages,
            partial=partial,
        )
        attempt = Attempt(kind=kind, exchange=exchange, reservation=reservation)
        self.attempts.append(attempt)
        return attempt

    def book(self, ledger: Ledger, status: CallStatus) -> tuple[LedgerEntry, ...]:
        """Puts every attempt into the ledger and settles what was reserved for it.

        Args:
            ledger: Where they go.
            status: How the call ended: what is said of attempts that were stopped with it, and of the
                one that brought the whole reply.
        """
        if not self.attempts:
            self.attempts.append(self._never_made())
        entries = []
        for attempt in self.attempts:
            attempt.end(status)
            if attempt.status in {None, CallStatus.OK}:
                attempt.status = status
            entry = self._entry(attempt)
            ledger.add(entry)
            attempt.reservation.settle(used_by(entry))
            entries.append(entry)
        return tuple(entries)

    def _entry(self, attempt: Attempt) -> LedgerEntry:
        usage = attempt.usage
        cost_usd = usage.cost_usd
        if cost_usd is None:
            cost_usd = self.model.cost_usd(usage.prompt_tokens, usage.completion_tokens)
        assert attempt.status is not None  # noqa: S101  # `book` ends every attempt
        assert attempt.ended_s is not None  # noqa: S101
        return LedgerEntry(
            model_id=self.model.id,
            purpose=self.purpose,
            attempt_kind=attempt.kind,
            status=attempt.status,
            layer_number=self.layer_number,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cached_prompt_tokens=usage.cached_prompt_tokens,
            reasoning_tokens=attempt.exchange.reasoning_tokens,
            cost_usd=cost_usd,
            price_version=self.model.price_version,
            estimated=attempt.exchange.usage is None,
            duration_s=attempt.ended_s - attempt.started_s,
            time_to_first_token_s=attempt.first_text_after_s,
        )

    def _never_made(self) -> Attempt:
        """Returns what stands in the ledger for a call that was stopped before its first attempt."""
        exchange = Exchange(model=self.model, base_url="", messages=self.messages)
        return Attempt(kind=AttemptKind.FIRST, exchange=exchange, reservation=self.reservation)
