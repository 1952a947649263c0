"""The ledger: one entry per attempt at a call to a model, failed and cancelled ones too."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client import Counter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_CALLS = Counter("routemoa_router_model_calls_total", "Calls to models.", ["model_id", "status"])
_COST = Counter("routemoa_router_cost_usd_total", "Spending on models, in dollars.", ["model_id"])


class CallStatus(enum.Enum):
    """How a call ended; documented in the contract's enum of the same name."""

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


class CallPurpose(enum.Enum):
    """What a model is called for."""

    ANSWER = enum.auto()
    AGGREGATION = enum.auto()
    SELECTION = enum.auto()
    MODERATION = enum.auto()


class AttemptKind(enum.Enum):
    """Why an attempt was made; documented in the contract's enum of the same name."""

    FIRST = enum.auto()
    RETRY = enum.auto()
    HEDGE = enum.auto()
    RESUME = enum.auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One attempt at a call, as it is billed."""

    model_id: str
    purpose: CallPurpose
    attempt_kind: AttemptKind = AttemptKind.FIRST
    status: CallStatus
    layer_number: int
    prompt_tokens: int
    completion_tokens: int
    cached_prompt_tokens: int = 0
    """Of the tokens read, those that the backend had in its cache."""
    reasoning_tokens: int = 0
    """Of the tokens written, those of reasoning."""
    cost_usd: float
    estimated: bool
    """Whether the token counts are the router's own estimate."""
    duration_s: float
    time_to_first_token_s: float | None
    price_version: str = ""
    """Names the prices that the cost was reckoned with."""


def answer_tokens(entries: Sequence[LedgerEntry]) -> tuple[int, int]:
    """Returns the tokens read and written for the reply of a call that went well.

    Attempts that wrote part of it count together; what was read for it is what the first of them read.
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


@dataclass(slots=True)
class Ledger:
    """Every attempt at every call of one answer."""

    entries: list[LedgerEntry] = field(default_factory=list)
    listener: Callable[[LedgerEntry], None] | None = None
    """Told of every entry."""

    def add(self, entry: LedgerEntry) -> None:
        """Books an attempt."""
        self.entries.append(entry)
        if self.listener is not None:
            self.listener(entry)
        _CALLS.labels(entry.model_id, entry.status.name).inc()
        _COST.labels(entry.model_id).inc(entry.cost_usd)

    @property
    def tokens(self) -> int:
        """What the calls read and wrote together."""
        return sum(entry.prompt_tokens + entry.completion_tokens for entry in self.entries)

    @property
    def cost_usd(self) -> float:
        """What they cost together."""
        return sum(entry.cost_usd for entry in self.entries)
