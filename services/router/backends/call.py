"""A call to a model, and the attempts to have it answered."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.backends.http.exchange import Exchange, Usage
from services.router.budgets.reservation import UNLIMITED
from services.router.types.conversation import prompt_tokens
from services.router.types.ledger import AttemptKind, CallPurpose, CallStatus, LedgerEntry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from services.router.budgets.reservation import Budget, Reservation
    from services.router.pool.model import PoolModel
    from services.router.routing.events import Resumed
    from services.router.types.amounts import Amount
    from services.router.types.conversation import Message
    from services.router.types.deadline import Deadline
    from services.router.types.ledger import Ledger

    Stream = Callable[["ModelCall"], AsyncGenerator[str | Resumed, None]]
    """Runs a call; see `Generator.stream`."""

_UNBILLED = frozenset({CallStatus.UNREACHABLE, CallStatus.RATE_LIMITED, CallStatus.REJECTED})
"""Statuses of attempts that the backend never processed, so they cost nothing."""


class CallFailedError(Exception):
    """Raised for a call without a whole reply.

    Args:
        status: The status of its last attempt.
    """

    def __init__(self, status: CallStatus) -> None:
        super().__init__(status.name)
        self.status = status


@dataclass(slots=True, kw_only=True, eq=False)
class Attempt:
    """One request to one endpoint, and its record."""

    kind: AttemptKind
    exchange: Exchange
    reservation: Reservation
    started_s: float = field(default_factory=time.monotonic, init=False)
    ended_s: float | None = field(default=None, init=False)
    status: CallStatus | None = field(default=None, init=False)
    """The final status; None while it runs, or if the caller stopped waiting."""

    def end(self, status: CallStatus | None) -> None:
        """Records the end. Only the first call counts."""
        if self.ended_s is None:
            self.ended_s = time.monotonic()
            self.status = status

    @property
    def first_text_after_s(self) -> float | None:
        """Time to first token; None if there was none."""
        first_s = self.exchange.first_text_s
        return None if first_s is None else first_s - self.started_s

    @property
    def usage(self) -> Usage:
        """The usage that the backend reported, or else the router's estimate."""
        exchange = self.exchange
        if exchange.usage is not None:
            return exchange.usage
        if not exchange.sent or self.status in _UNBILLED:
            return Usage(prompt_tokens=0, completion_tokens=0)
        count = exchange.model.count_tokens
        return Usage(
            prompt_tokens=prompt_tokens(exchange.messages, count) + count(exchange.partial),
            completion_tokens=count(exchange.text) + exchange.reasoning_tokens,
        )


@dataclass(slots=True, kw_only=True)
class ModelCall:
    """A request to a model, and its attempts so far."""

    model: PoolModel
    messages: tuple[Message, ...]
    purpose: CallPurpose
    layer_number: int
    nonce: str = ""
    """The nonce of the marks in its messages; empty if they have none."""
    session: str | None = None
    """The id of a conversation of several turns; its calls prefer one replica."""
    deadline: Deadline | None = None
    """No attempt starts after it."""
    patient: bool = False
    """True if no other model can replace this one, so that long retries make sense."""
    budget: Budget = UNLIMITED
    """Reserves for every attempt but the first."""
    reservation: Reservation = UNLIMITED
    """The reservation of the first attempt; made together with those of its layer."""
    attempts: list[Attempt] = field(default_factory=list, init=False)
    """The attempts, in the order in which they started."""
    _written: io.StringIO = field(default_factory=io.StringIO, init=False)

    @property
    def text(self) -> str:
        """The raw reply so far, from all attempts together."""
        return self._written.getvalue()

    def add_text(self, text: str) -> None:
        """Appends text to the reply, in constant time."""
        self._written.write(text)

    @property
    def worst(self) -> Amount:
        """The most that one attempt can take: a reply of full length."""
        return self.model.worst_case(prompt_tokens(self.messages))

    async def attempt(
        self,
        base_url: str,
        kind: AttemptKind,
        *,
        messages: tuple[Message, ...] | None = None,
        partial: str = "",
    ) -> Attempt:
        """Returns a new attempt. Nothing is sent yet.

        Args:
            base_url: The endpoint, without a slash at the end.
            kind: The reason of the attempt.
            messages: The messages, if they differ from the call's.
            partial: The start of the reply, for the backend to continue.

        Raises:
            NoRoomError: The budget has no room for an attempt, or cannot be read.
        """
        reservation = self.reservation
        if self.attempts:
            reservation = await self.budget.reserve_one(self.worst)
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
        """Adds every attempt to the ledger and settles its reservation.

        Args:
            ledger: The ledger.
            status: The status of the call. It becomes the status of the attempts that ended with
                it: the one that brought the whole reply, and those that were stopped.
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
            attempt.reservation.settle(entry.used)
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
            finish_reason=attempt.exchange.finish_reason,
            backend_message=attempt.exchange.backend_message,
            cache_written_prompt_tokens=usage.cache_written_prompt_tokens,
        )

    def _never_made(self) -> Attempt:
        """Returns the attempt that is booked for a call that was stopped before its first one."""
        exchange = Exchange(model=self.model, base_url="", messages=self.messages)
        return Attempt(kind=AttemptKind.FIRST, exchange=exchange, reservation=self.reservation)
