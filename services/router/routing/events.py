"""What happens while a query is answered, in the order in which a caller sees it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.routing.selection import SelectionReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.routing.ranking import Ranked, StopReason
    from services.router.types.ledger import CallStatus, LedgerEntry


class Dependency(enum.Enum):
    """Something that the router needs and can do without."""

    SCORER = enum.auto()
    JUDGE = enum.auto()
    AGGREGATOR = enum.auto()


class Substitute(enum.Enum):
    """What is used in place of a dependency that failed."""

    POOL_PRIORS = enum.auto()
    PRIOR_SCORES = enum.auto()
    BEST_ANSWER = enum.auto()
    SAFE_MODELS = enum.auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """The documented substitute for a dependency that failed."""

    dependency: Dependency
    status: str
    substitute: Substitute


UNCERTAIN = Fallback(
    dependency=Dependency.SCORER, status="UNCERTAIN", substitute=Substitute.SAFE_MODELS
)
"""The scorer answered, and said that its ranking is not to be relied on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one model says, apart from protocol text."""

    model_id: str
    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    self_score: float | None = None
    grades: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The judge's view of one model."""

    model_id: str
    posterior_score: float
    self_score: float | None = None
    cross_score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingDecision:
    """A layer is about to run."""

    layer_number: int
    ranked: tuple[Ranked, ...]
    selected_model_ids: tuple[str, ...]
    reasons: Mapping[str, SelectionReason] = field(default_factory=dict)
    """Why models run or do not, as far as their ranks decided it."""
    uncertainty: float = 0.0
    """How little the ranking is to be relied on, in [0, 1]."""

    def reason(self, model_id: str) -> SelectionReason | None:
        """Returns why a model runs or does not; None where the strategy left it out."""
        strategy = SelectionReason.STRATEGY if model_id in self.selected_model_ids else None
        return self.reasons.get(model_id, strategy)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerReport:
    """A layer has run."""

    layer_number: int
    selected_model_ids: tuple[str, ...]
    answers: tuple[Answer, ...]
    assessments: tuple[Assessment, ...]
    usage: tuple[LedgerEntry, ...]
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """The final answer goes on."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """The deltas so far are void."""

    status: CallStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The writer broke off, and another replica of the same model goes on where it stopped."""

    model_id: str
    status: CallStatus
    """How the attempt that broke ended."""


@dataclass(slots=True, kw_only=True)
class Timing:
    """Where the time went, in seconds."""

    total_s: float = 0.0
    scorer_s: float = 0.0
    generation_s: float = 0.0
    judge_s: float = 0.0
    aggregation_s: float = 0.0
    first_delta_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The whole result."""

    answer: Answer
    strategy: str
    """Name of the strategy that made it."""
    layers: tuple[LayerReport, ...]
    stop_reason: StopReason
    usage: tuple[LedgerEntry, ...]
    cost_usd: float
    fallbacks: tuple[Fallback, ...]
    uncertainty: float
    """How little the first ranking was to be relied on, in [0, 1]."""
    timing: Timing
    decision_id: str = ""
    """Of the decision record; empty where none is kept."""


Event = RoutingDecision | LayerReport | Delta | Reset | Resumed | Result
