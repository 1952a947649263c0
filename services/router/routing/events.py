"""The events of an answer, in the order in which the caller receives them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.routing.candidates import SelectionReason
from services.router.types.ledger import CallStatus
from services.router.types.pieces import (
    LogProbabilitiesPiece,
    ReasoningPiece,
    RefusalPiece,
    ToolCallPiece,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.routing.candidates import Ranking, StopReason
    from services.router.types.ledger import FinishReason, LedgerEntry
    from services.router.types.messages import ToolCall
    from services.router.types.pieces import Piece, TokenLogProbability


class Dependency(enum.Enum):
    """A part of the system for which the router has a substitute."""

    SCORER = enum.auto()
    JUDGE = enum.auto()
    AGGREGATOR = enum.auto()


class Substitute(enum.Enum):
    """The substitute for a dependency that failed."""

    POOL_PRIORS = enum.auto()
    PRIOR_SCORES = enum.auto()
    BEST_ANSWER = enum.auto()
    SAFE_MODELS = enum.auto()
    MEAN_PRIOR = enum.auto()
    EQUAL_WEIGHTS = enum.auto()


class FallbackReason(enum.Enum):
    """The reason to do without a dependency; documented in the contract's enum of the same name."""

    TIMEOUT = enum.auto()
    UNAVAILABLE = enum.auto()
    BREAKER_OPEN = enum.auto()
    REJECTED = enum.auto()
    FAILED = enum.auto()
    RATE_LIMITED = enum.auto()
    MALFORMED = enum.auto()
    INTERRUPTED = enum.auto()
    CANCELLED = enum.auto()
    EMPTY = enum.auto()
    UNCERTAIN = enum.auto()
    UNKNOWN_MODELS = enum.auto()
    COST_LIMIT = enum.auto()
    CALL_LIMIT = enum.auto()
    TOKEN_LIMIT = enum.auto()
    DEADLINE = enum.auto()
    NO_MODEL = enum.auto()

    @classmethod
    def of_call(cls, status: CallStatus) -> FallbackReason:
        """Returns the reason that a failed call to a model is."""
        return _OTHER_NAMES.get(status) or cls[status.name]


_OTHER_NAMES = {
    CallStatus.OK: FallbackReason.EMPTY,  # a whole reply of which nothing could be used
    CallStatus.BACKEND_ERROR: FallbackReason.FAILED,
    CallStatus.UNREACHABLE: FallbackReason.UNAVAILABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """One use of a substitute: the dependency, the reason and the substitute."""

    dependency: Dependency
    reason: FallbackReason
    substitute: Substitute


UNCERTAIN = Fallback(
    dependency=Dependency.SCORER,
    reason=FallbackReason.UNCERTAIN,
    substitute=Substitute.SAFE_MODELS,
)
"""The scorer answered, but its ranking is too uncertain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One model's answer, without protocol text."""

    model_id: str
    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    self_score: float | None = None
    grades: Mapping[str, float] = field(default_factory=dict)
    finish_reason: FinishReason | None = None
    """The end of the answer; None if the backend did not say."""
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str = ""
    """The model's words where it refused; `text` is empty then."""
    reasoning: str = ""
    """Empty unless the caller asked for it."""
    log_probabilities: tuple[TokenLogProbability, ...] = ()

    @property
    def is_cut_off(self) -> bool:
        """True if the answer is not complete."""
        return self.finish_reason is not None and self.finish_reason.is_cut_off


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The judge's scores of one model."""

    model_id: str
    posterior_score: float
    self_score: float | None = None
    cross_score: float | None = None
    answer_score: float | None = None
    """By the text of the answer; None if the judge read none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingDecision:
    """The choice of models for the layer that runs next."""

    layer_number: int
    ranked: Ranking
    selected_model_ids: tuple[str, ...]
    reasons: Mapping[str, SelectionReason] = field(default_factory=dict)
    """The reason why each model runs or does not, as far as the ranking decided it."""
    uncertainty: float | None = None
    """Uncertainty of the ranking, in [0, 1]; None if it is unknown."""

    @property
    def all_reasons(self) -> Mapping[str, SelectionReason]:
        """The reason of every model that the ranking or the strategy decided about."""
        return dict.fromkeys(self.selected_model_ids, SelectionReason.STRATEGY) | dict(self.reasons)

    def reason(self, model_id: str) -> SelectionReason | None:
        """Returns the reason why a model runs or does not; None if the strategy left it out."""
        return self.all_reasons.get(model_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerReport:
    """The results of a layer."""

    layer_number: int
    selected_model_ids: tuple[str, ...]
    answers: tuple[Answer, ...]
    assessments: tuple[Assessment, ...]
    usage: tuple[LedgerEntry, ...]
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """The next piece of the final answer."""

    text: str = ""
    tool_calls: tuple[ToolCallPiece, ...] = ()
    reasoning: str = ""
    refusal: str = ""
    log_probabilities: tuple[TokenLogProbability, ...] = ()

    @property
    def is_text_alone(self) -> bool:
        """True if it has nothing but text."""
        return not (self.tool_calls or self.log_probabilities or self.reasoning or self.refusal)

    @classmethod
    def whole(cls, answer: Answer) -> Delta:
        """Returns an answer in one piece."""
        return cls(
            text=answer.text,
            tool_calls=tuple(
                ToolCallPiece(
                    call_index=index,
                    id=call.id,
                    name=call.name,
                    arguments_json=call.arguments_json,
                )
                for index, call in enumerate(answer.tool_calls)
            ),
            reasoning=answer.reasoning,
            refusal=answer.refusal,
            log_probabilities=answer.log_probabilities,
        )

    @classmethod
    def of(cls, piece: Piece) -> Delta:
        """Returns the delta of one piece of a reply."""
        match piece:
            case str():
                return cls(text=piece)
            case ToolCallPiece():
                return cls(tool_calls=(piece,))
            case ReasoningPiece():
                return cls(reasoning=piece.text)
            case RefusalPiece():
                return cls(refusal=piece.text)
            case LogProbabilitiesPiece():
                return cls(log_probabilities=piece.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """The deltas so far are invalid; the final answer starts again."""

    status: CallStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The stream broke off, and another replica of the same model continues it."""

    model_id: str
    status: CallStatus
    """The status of the attempt that broke off."""


@dataclass(slots=True, kw_only=True)
class Timing:
    """Time per stage, in seconds."""

    total_s: float = 0.0
    scorer_s: float = 0.0
    generation_s: float = 0.0
    judge_s: float = 0.0
    aggregation_s: float = 0.0
    first_delta_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The complete answer, with everything known about it."""

    answer: Answer
    strategy: str
    """Name of the strategy that produced the answer."""
    layers: tuple[LayerReport, ...]
    stop_reason: StopReason
    usage: tuple[LedgerEntry, ...]
    cost_usd: float
    fallbacks: tuple[Fallback, ...]
    uncertainty: float | None
    """Uncertainty of the first ranking, in [0, 1]; None if it is unknown."""
    timing: Timing
    decision_id: str = ""
    """The id of the decision record; empty if there is none."""


Event = RoutingDecision | LayerReport | Delta | Reset | Resumed | Result
