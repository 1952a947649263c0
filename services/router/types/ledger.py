"""The ledger: one entry per attempt at a call to a model, failed and cancelled ones too."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.types.amounts import NOTHING, Amount

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class CallStatus(enum.Enum):
    """The end of a call; documented in the contract's enum of the same name."""

    OK = enum.auto()
    TIMEOUT = enum.auto()
    RATE_LIMITED = enum.auto()
    REJECTED = enum.auto()
    BACKEND_ERROR = enum.auto()
    UNREACHABLE = enum.auto()
    MALFORMED = enum.auto()
    INTERRUPTED = enum.auto()
    CANCELLED = enum.auto()
    EMPTY = enum.auto()


class FinishReason(enum.Enum):
    """The end of a reply; documented in the contract's enum of the same name."""

    STOP = enum.auto()
    LENGTH = enum.auto()
    CONTENT_FILTER = enum.auto()
    TOOL_CALLS = enum.auto()
    REFUSAL = enum.auto()
    DEADLINE = enum.auto()

    @property
    def is_cut_off(self) -> bool:
        """True if the reply is not complete."""
        return self in {
            FinishReason.LENGTH,
            FinishReason.CONTENT_FILTER,
            FinishReason.DEADLINE,
        }


class CallPurpose(enum.Enum):
    """The purpose of a call to a model."""

    ANSWER = enum.auto()
    AGGREGATION = enum.auto()
    SELECTION = enum.auto()
    MODERATION = enum.auto()


class AttemptKind(enum.Enum):
    """The reason of an attempt; documented in the contract's enum of the same name."""

    FIRST = enum.auto()
    RETRY = enum.auto()
    HEDGE = enum.auto()
    RESUME = enum.auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One attempt at a call, with its tokens, cost and times."""

    model_id: str
    purpose: CallPurpose
    attempt_kind: AttemptKind = AttemptKind.FIRST
    status: CallStatus
    layer_number: int
    prompt_tokens: int
    completion_tokens: int
    cached_prompt_tokens: int = 0
    """Prompt tokens that the backend had in its cache."""
    reasoning_tokens: int = 0
    """Completion tokens of the model's reasoning."""
    cost_usd: float
    estimated: bool
    """True if the token counts are the router's own estimate."""
    duration_s: float
    time_to_first_token_s: float | None
    time_to_start_s: float = 0.0
    """From the start of the answer to the request."""
    price_version: str = ""
    """Identifies the prices that the cost was computed with."""
    finish_reason: FinishReason | None = None
    """The end of the reply; None if the backend did not say."""
    backend_message: str = ""
    """The backend's own words about a failure, on one line."""
    capped: bool = False
    """True if the backend reported more than was reserved, so that less was booked."""
    cache_written_prompt_tokens: int = 0
    """Prompt tokens that the backend wrote to its cache."""

    http_status: int | None = None
    """The HTTP status of a refusal."""
    replica: int | None = None
    """The index of the replica in its set; None if nothing was sent."""

    @property
    def used(self) -> Amount:
        """The amount that the attempt used."""
        return Amount.of_call(self.prompt_tokens + self.completion_tokens, self.cost_usd)


def answer_tokens(entries: Sequence[LedgerEntry]) -> tuple[int, int]:
    """Returns the prompt and completion tokens of the reply of a successful call.

    The completion tokens of all attempts that wrote part of it are summed; the prompt tokens are those
    of the first such attempt.
    """
    wrote = [
        entry
        for entry in entries
        if entry.time_to_first_token_s is not None and entry.status is not CallStatus.CANCELLED
    ]
    return (
        wrote[0].prompt_tokens if wrote else 0,
        sum(entry.completion_tokens for entry in wrote),
    )


def finish_reason(entries: Sequence[LedgerEntry]) -> FinishReason | None:
    """Returns the end of the reply of a successful call; None if the backend did not say."""
    whole = (entry.finish_reason for entry in entries if entry.status is CallStatus.OK)
    return next(whole, None)


@dataclass(slots=True)
class Ledger:
    """The attempts at all calls of one answer."""

    entries: list[LedgerEntry] = field(default_factory=list)
    started_s: float = field(default_factory=time.monotonic)
    """The start of the answer, on the monotonic clock."""
    on_entry: Callable[[LedgerEntry], None] | None = None
    """Called with every new entry."""
    used: Amount = field(default=NOTHING, init=False)
    """The amount that all attempts used."""

    def add(self, entry: LedgerEntry) -> None:
        """Adds the entry of an attempt."""
        self.entries.append(entry)
        self.used += entry.used
        if self.on_entry is not None:
            self.on_entry(entry)

    @property
    def cost_usd(self) -> float:
        """The cost of all entries."""
        return sum(entry.cost_usd for entry in self.entries)
