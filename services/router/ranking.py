"""Pure decisions: how models are ordered, which are picked, when to stop.

Utility puts quality, cost and latency on one scale, that of a probability:

    utility = w_q * score - w_c * cost / max(cost) - w_l * latency / max(latency)

with the maxima over the eligible models, so that a weight reads as "how much likelier to be right the
dearest (slowest) model must be to be preferred to a free (instant) one".
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.evidence import agreeing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.policy import Policy


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
    expected_cost_usd: float
    worst_cost_usd: float
    """What one call can cost at most: a reply of full length."""
    expected_latency_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A candidate with its place value."""

    candidate: Candidate
    utility: float

    @property
    def model_id(self) -> str:
        """The candidate's model."""
        return self.candidate.model_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What one layer runs, or why it does not run."""

    model_ids: tuple[str, ...]
    """Best first; empty if there is a stop reason."""
    stop_reason: StopReason | None


def rank(candidates: Sequence[Candidate], policy: Policy) -> tuple[Ranked, ...]:
    """Returns the candidates by utility, best first; ties go to the cheaper, the faster, then by id."""
    cost_scale = max((c.expected_cost_usd for c in candidates), default=0.0) or 1.0
    latency_scale = max((c.expected_latency_s for c in candidates), default=0.0) or 1.0
    ranked = [
        Ranked(
            candidate=c,
            utility=policy.quality_weight * c.score
            - policy.cost_weight * c.expected_cost_usd / cost_scale
            - policy.latency_weight * c.expected_latency_s / latency_scale,
        )
        for c in candidates
    ]
    return tuple(
        sorted(
            ranked,
            key=lambda r: (
                -r.utility,
                r.candidate.expected_cost_usd,
                r.candidate.expected_latency_s,
                r.model_id,
            ),
        )
    )


def select(
    ranked: Sequence[Ranked], policy: Policy, *, budget_usd: float | None, calls_left: int
) -> Selection:
    """Picks a layer's models: within the score gap, in order of utility, while they fit the limits.

    Args:
        ranked: The eligible models, best first.
        policy: The request's weights and limits.
        budget_usd: What is left to spend; None means no limit.
        calls_left: Calls that may still be made.
    """
    if not ranked:
        return Selection(model_ids=(), stop_reason=StopReason.NO_MODEL)
    if calls_left < 1:
        return Selection(model_ids=(), stop_reason=StopReason.CALL_LIMIT)
    floor = max(r.candidate.score for r in ranked) - policy.max_score_gap
    limit = min(policy.max_layer_models, calls_left)
    picked: list[str] = []
    spent_usd = 0.0
    for candidate in (r.candidate for r in ranked):
        if len(picked) == limit:
            break
        fits = budget_usd is None or spent_usd + candidate.worst_cost_usd <= budget_usd
        if candidate.score >= floor and fits:
            picked.append(candidate.model_id)
            spent_usd += candidate.worst_cost_usd
    if not picked:
        # Only dearer models were good enough: a cheaper one is better than none.
        affordable = [
            r.model_id
            for r in ranked
            if budget_usd is None or r.candidate.worst_cost_usd <= budget_usd
        ]
        picked = affordable[:1]
    if not picked:
        return Selection(model_ids=(), stop_reason=StopReason.COST_LIMIT)
    return Selection(model_ids=tuple(picked), stop_reason=None)


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
