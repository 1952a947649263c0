"""Models that may run, with their estimates and utilities, and the reasons of decisions about them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.router.types.amounts import Amount


class StopReason(enum.Enum):
    """The reason why no further layer runs."""

    SCORE = "a model that answered reached the stopping score"
    LAYER_LIMIT = "the most layers allowed have run"
    COST_LIMIT = "another layer could cost more than is left"
    CALL_LIMIT = "the most calls allowed have been made"
    DEADLINE = "the time left is too short for another layer"
    AGREEMENT = "the models agree"
    NO_MODEL = "no model is left that could run"
    TOKEN_LIMIT = "another layer could take more tokens than are left"  # noqa: S105  # no secret
    NO_GAIN = "the last layer brought no evidence that another would change the answer"
    COMPLETE = "the strategy has done all that it does"
    MODERATOR = "the moderator ended the debate"


class SelectionReason(enum.Enum):
    """The reason why a model runs or does not; documented in the contract's enum of the same name."""

    RANK = "runs because of its rank"
    TEAM = "runs because it complements the models before it"
    SAFE = "runs as a safe model because the ranking is uncertain"
    STRATEGY = "runs because the strategy chose it"
    SCORE_GAP = "does not run: its score is too far below the best one"
    COST_LIMIT = "does not run: it could cost more than is left"
    LATENCY_LIMIT = "does not run: it is expected to take too long"
    TOKEN_LIMIT = "does not run: it could take more tokens than are left"  # noqa: S105  # no secret
    LAYER_FULL = "does not run: the layer is full"
    SESSION = "runs because the conversation stays with it"
    UNAVAILABLE = "does not run: none of its replicas can be called"
    CAPABILITY = "does not run: it lacks a capability that the request needs"
    EXPLORATION = "runs so that more is known of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that may run, with its estimates."""

    model_id: str
    score: float
    """Posterior score if the model ran, else its prior score; in [0, 1]."""
    prior_score: float
    """Score from before any model ran, in [0, 1]."""
    expected_completion_tokens: int
    expected_cost_usd: float
    worst: Amount
    """The most that one call can use: a reply of full length."""
    expected_latency_s: float
    score_source: str = ""
    """The source of the prior score in words; empty if the scorer knows the model by its id."""
    available: bool = True
    """True if the model has a replica that can be called."""
    expected_prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    """Tokens of the prompt that its backend likely has in its cache."""
    later_cost_usd: float = 0.0
    """The expected cost of the same call once the whole prompt has been seen by its backend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A candidate with its utility, term by term."""

    candidate: Candidate
    quality: float
    """The score times its weight."""
    cost_penalty: float
    """The part that is subtracted for the expected cost."""
    latency_penalty: float
    """The part that is subtracted for the expected latency."""
    utility: float
    """The value that the ranking sorts by."""
    leads_by_price: bool = False
    """True if it precedes a model of higher utility because it is cheaper."""

    @property
    def model_id(self) -> str:
        """The id of the candidate's model."""
        return self.candidate.model_id
