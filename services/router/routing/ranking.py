"""Pure decisions: how models are ordered, and when to stop.

Utility puts quality, cost and latency on one scale, that of a probability:

    utility = w_q * score - w_c * cost / max(cost) - w_l * latency / max(latency)

with the maxima over the eligible models, so that a weight reads as "how much likelier to be right the
dearest (slowest) model must be to be preferred to a free (instant) one".

Utilities are estimates, and a small lead is no reason to pay more. So they are compared in steps of the
price band, counted down from the best one, and within a step the cheaper model comes first.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.router.routing.agreement import agreeing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.routing.policy import Policy
    from services.router.types.amounts import Amount


class StopReason(enum.Enum):
    """Why no further layer runs."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that may run, with what is known of it before it does."""

    model_id: str
    score: float
    """Posterior score if it ran, else prior; in [0, 1]."""
    prior_score: float
    """What was said of it before any model ran, in [0, 1]."""
    expected_completion_tokens: int
    expected_cost_usd: float
    worst: Amount
    """What one call can take at most: a reply of full length."""
    expected_latency_s: float
    available: bool = True
    """Whether it has a replica that can be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A candidate with its place value."""

    candidate: Candidate
    quality: float
    """The weighted score."""
    cost_penalty: float
    """What the utility loses for the expected cost."""
    latency_penalty: float
    """What the utility loses for the expected latency."""
    leads_by_price: bool = False
    """Whether it stands before a model of higher utility, for being cheaper."""

    @property
    def model_id(self) -> str:
        """The candidate's model."""
        return self.candidate.model_id

    @property
    def utility(self) -> float:
        """What the ranking sorts by."""
        return self.quality - self.cost_penalty - self.latency_penalty


def rank(candidates: Sequence[Candidate], policy: Policy) -> tuple[Ranked, ...]:
    """Returns the candidates, best first; the order depends on nothing but what is given here."""
    cost_scale = max((c.expected_cost_usd for c in candidates), default=0.0) or 1.0
    latency_scale = max((c.expected_latency_s for c in candidates), default=0.0) or 1.0
    weighed = [
        Ranked(
            candidate=c,
            quality=policy.quality_weight * c.score,
            cost_penalty=policy.cost_weight * (c.expected_cost_usd / cost_scale),
            latency_penalty=policy.latency_weight * (c.expected_latency_s / latency_scale),
        )
        for c in candidates
    ]
    best = max((r.utility for r in weighed), default=0.0)

    def place(ranked: Ranked) -> tuple[float, float, float, float, str]:
        gap, candidate = best - ranked.utility, ranked.candidate
        return (
            gap // policy.price_band if policy.price_band else gap,
            candidate.expected_cost_usd,
            gap,
            candidate.expected_latency_s,
            candidate.model_id,
        )

    return _price_leaders_marked(sorted(weighed, key=place))


def _price_leaders_marked(ranked: Sequence[Ranked]) -> tuple[Ranked, ...]:
    marked: list[Ranked] = []
    best_after = -math.inf
    for item in reversed(ranked):
        utility = item.utility
        leads = best_after > utility
        marked.append(replace(item, leads_by_price=True) if leads else item)
        best_after = max(best_after, utility)
    return tuple(reversed(marked))


def early_stop(
    posteriors: Mapping[str, float], answers: Sequence[str], *, layers_run: int, policy: Policy
) -> StopReason | None:
    """Says why the layers end here, if they do.

    Args:
        posteriors: The posterior score of every model whose answer exists. A model that never ran has
            none, so that it can neither stop the layers nor keep them going.
        answers: The texts of the newest layer.
        layers_run: Layers that brought an answer.
        policy: The request's limits.
    """
    if posteriors and max(posteriors.values()) >= policy.stopping_score:
        return StopReason.SCORE
    if agree(answers):
        return StopReason.AGREEMENT
    if layers_run >= policy.max_layers:
        return StopReason.LAYER_LIMIT
    return None


def agree(answers: Sequence[str]) -> bool:
    """Says whether two or more answers all come to the same."""
    return len(answers) > 1 and len(agreeing(answers)) == len(answers)
