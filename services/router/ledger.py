"""The ledger: one entry per call to a model, failed and cancelled ones too."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from prometheus_client import Counter

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


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One call, as it is billed."""

    model_id: str
    purpose: CallPurpose
    status: CallStatus
    layer_number: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    estimated: bool
    """Whether the token counts are the router's own estimate."""
    duration_s: float
    time_to_first_token_s: float | None
    price_version: str = ""
    """Names the prices that the cost was reckoned with."""


@dataclass(slots=True)
class Ledger:
    """Every call of one answer."""

    entries: list[LedgerEntry] = field(default_factory=list)

    def add(self, entry: LedgerEntry) -> None:
        """Books a call."""
        self.entries.append(entry)
        _CALLS.labels(entry.model_id, entry.status.name).inc()
        _COST.labels(entry.model_id).inc(entry.cost_usd)

    @property
    def cost_usd(self) -> float:
        """What the calls cost together."""
        return sum(entry.cost_usd for entry in self.entries)
