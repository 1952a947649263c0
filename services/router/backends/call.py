"""A call to a model, and the attempts to have it answered."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog
from opentelemetry.trace import INVALID_SPAN

from services.router.backends.attempt_span import begin_span, end_span
from services.router.backends.billing import Tariff
from services.router.backends.collected import CollectedReply
from services.router.backends.http.exchange import Exchange
from services.router.backends.http.usage import NO_USAGE
from services.router.budgets.reservation import UNLIMITED
from services.router.types.conversation import prompt_tokens
from services.router.types.ledger import AttemptKind, CallPurpose, CallStatus, LedgerEntry
from services.router.types.options import NO_OPTIONS, GenerationOptions
from services.router.types.tokens import TEMPLATE_TOKENS, estimate_tokens

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from opentelemetry.trace import Span

    from services.router.backends.billing import Bill
    from services.router.backends.http.usage import Usage
    from services.router.budgets.reservation import Budget, Reservation
    from services.router.pool.model import PoolModel
    from services.router.routing.events import Resumed
    from services.router.types.amounts import Amount
    from services.router.types.deadline import Deadline
    from services.router.types.ledger import Ledger
    from services.router.types.messages import Message
    from services.router.types.pieces import Piece

    Stream = Callable[["ModelCall"], AsyncGenerator[Piece | Resumed, None]]
    """Runs a call; see `Generator.stream`."""

_log = structlog.get_logger()


_UNBILLED = frozenset({CallStatus.UNREACHABLE, CallStatus.RATE_LIMITED, CallStatus.REJECTED})
"""Statuses of attempts that the backend never processed, so they cost nothing, unless a piece came."""


@dataclass(slots=True, kw_only=True, eq=False)
class Attempt:
    """One request to one endpoint, and its record."""

    kind: AttemptKind
    exchange: Exchange
    reservation: Reservation
    worst: Amount
    """The amount of the reservation: no more is booked."""
    replica: int | None = None
    """The index of the replica."""
    span: Span = INVALID_SPAN
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
    def first_piece_after_s(self) -> float | None:
        """Time to first token; None if there was none."""
        first_s = self.exchange.first_piece_s
        return None if first_s is None else first_s - self.started_s

    @property
    def usage(self) -> Usage:
        """The usage that the backend reported, with estimates for the counts that it did not."""
        exchange = self.exchange
        if exchange.usage is not None:
            return exchange.usage
        if not self._was_processed:
            return NO_USAGE
        reported, model = exchange.reported or NO_USAGE, exchange.model
        count = model.count_tokens
        read = prompt_tokens(exchange.messages, count, exchange.options) + count(exchange.partial)
        written = min(exchange.written_tokens, self._reply_limit)
        return replace(
            reported,
            prompt_tokens=reported.prompt_tokens or read,
            completion_tokens=reported.completion_tokens or written,
            cost_usd=reported.cost_usd or None,
        )

    @property
    def tariff(self) -> Tariff:
        """The prices, and the most that may be booked."""
        prices = self.exchange.model.prices
        return Tariff(prices=prices, worst=self.worst, max_reply_tokens=self._reply_limit)

    @property
    def _reply_limit(self) -> int:
        """The most tokens of the reply."""
        exchange = self.exchange
        return exchange.model.reply_limit(exchange.options.max_output_tokens)

    @property
    def is_capped(self) -> bool:
        """True if the backend reported more than was reserved."""
        reported = self.exchange.reported
        billed = self.exchange.usage is not None or self._was_processed
        return billed and reported is not None and self.tariff.is_exceeded_by(reported)

    @property
    def _was_processed(self) -> bool:
        exchange = self.exchange
        wrote = exchange.received_characters > 0
        return exchange.sent and (wrote or self.status not in _UNBILLED)


@dataclass(slots=True, kw_only=True)
class ModelCall(CollectedReply):
    """A request to a model, its attempts so far, and the reply of all of them together."""

    model: PoolModel
    messages: tuple[Message, ...]
    purpose: CallPurpose
    layer_number: int
    nonce: str = ""
    """The nonce of the marks in its messages; empty if they have none."""
    session: str | None = None
    """The id of a conversation of several turns; its calls prefer one replica."""
    options: GenerationOptions = NO_OPTIONS
    """The caller's wishes that concern the backend."""
    cache_salt: str = ""
    """Keeps the caller's tenant apart in the backend's cache; empty without tenants."""
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
    _worst_first: Amount | None = field(default=None, init=False)

    @property
    def worst(self) -> Amount:
        """The most that the first attempt can take: the longest reply."""
        if self._worst_first is None:
            self._worst_first = self._worst(self.messages, "")
        return self._worst_first

    def _worst(self, messages: tuple[Message, ...], partial: str) -> Amount:
        read = prompt_tokens(messages, options=self.options)
        read += estimate_tokens(partial) + TEMPLATE_TOKENS
        return self.model.worst_case(read, self.options.max_output_tokens)

    async def attempt(
        self,
        base_url: str,
        kind: AttemptKind,
        *,
        messages: tuple[Message, ...] | None = None,
        partial: str = "",
        options: GenerationOptions | None = None,
        replica: int | None = None,
    ) -> Attempt:
        """Returns a new attempt. Nothing is sent yet.

        Args:
            base_url: The endpoint, without a slash at the end.
            kind: The reason of the attempt.
            messages: The messages, if they differ from the call's.
            partial: The start of the reply, for the backend to continue.
            options: The options, if they differ from the call's.
            replica: The index of the replica.

        Raises:
            NoRoomError: The budget has no room for an attempt, or cannot be read.
        """
        messages = messages or self.messages
        same = messages is self.messages and not partial
        worst = self.worst if same else self._worst(messages, partial)
        reservation = self.reservation
        if self.attempts:
            reservation = await self.budget.reserve_one(worst)
        exchange = Exchange(
            model=self.model,
            base_url=base_url,
            messages=messages,
            partial=partial,
            options=options or self.options,
            cache_salt=self.cache_salt,
        )
        attempt = Attempt(
            kind=kind,
            exchange=exchange,
            reservation=reservation,
            worst=worst,
            replica=replica,
            span=self._span(exchange, kind, replica),
        )
        self.attempts.append(attempt)
        return attempt

    def _span(self, exchange: Exchange, kind: AttemptKind, replica: int | None) -> Span:
        span, exchange.trace_headers = begin_span(
            self.model,
            exchange.base_url,
            kind,
            self.purpose,
            max_tokens=self.model.reply_limit(exchange.options.max_output_tokens),
            layer_number=self.layer_number,
            replica=replica,
            earlier=[attempt.span for attempt in self.attempts],
        )
        return span

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
            entry = self._entry(attempt, ledger.started_s)
            ledger.add(entry)
            attempt.reservation.settle(entry.used)
            end_span(attempt.span, entry, ended_s=attempt.ended_s or 0.0)
            entries.append(entry)
        return tuple(entries)

    def _entry(self, attempt: Attempt, answer_started_s: float) -> LedgerEntry:
        assert attempt.status is not None  # noqa: S101  # `book` ends every attempt
        assert attempt.ended_s is not None  # noqa: S101
        exchange = attempt.exchange
        billed, capped = attempt.tariff.bill(attempt.usage), attempt.is_capped
        if capped:
            _log_capped(exchange, billed)
        return LedgerEntry(
            model_id=self.model.id,
            purpose=self.purpose,
            attempt_kind=attempt.kind,
            status=attempt.status,
            layer_number=self.layer_number,
            prompt_tokens=billed.usage.prompt_tokens,
            completion_tokens=billed.usage.completion_tokens,
            cached_prompt_tokens=billed.usage.cached_prompt_tokens,
            cache_written_prompt_tokens=billed.usage.cache_written_prompt_tokens,
            reasoning_tokens=min(exchange.reasoning_tokens, billed.usage.completion_tokens),
            cost_usd=billed.cost_usd,
            price_version=self.model.price_version,
            estimated=exchange.usage is None,
            capped=capped,
            duration_s=attempt.ended_s - attempt.started_s,
            time_to_first_token_s=attempt.first_piece_after_s,
            time_to_start_s=max(0.0, attempt.started_s - answer_started_s),
            finish_reason=exchange.finish_reason,
            backend_message=exchange.backend_message,
            http_status=exchange.http_status,
            replica=attempt.replica,
        )

    def _never_made(self) -> Attempt:
        """Returns the attempt that is booked for a call that was stopped before its first one."""
        exchange = Exchange(
            model=self.model, base_url="", messages=self.messages, options=self.options
        )
        return Attempt(
            kind=AttemptKind.FIRST,
            exchange=exchange,
            reservation=self.reservation,
            worst=self.worst,
        )


def _log_capped(exchange: Exchange, billed: Bill) -> None:
    reported = exchange.reported
    assert reported is not None  # noqa: S101  # there is nothing else to cap
    _log.warning(
        "usage_capped",
        model_id=exchange.model.id,
        reported_tokens=reported.prompt_tokens + reported.completion_tokens,
        reported_usd=reported.cost_usd,
        booked_tokens=billed.usage.prompt_tokens + billed.usage.completion_tokens,
        booked_usd=billed.cost_usd,
    )
