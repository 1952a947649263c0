"""Orders models by utility, and decides when layers stop. Pure.

Utility puts quality, cost and latency on one scale, that of a probability:

    utility = w_q * score - cost / usd_per_right_answer - latency / seconds_per_right_answer

So a price means the same in every pool. A request that still sets the former weights subtracts
w_c * cost / max(cost) and w_l * latency / max(latency) instead, with the maxima over the eligible
models.

Utilities are estimates, and a small lead is no reason to pay more. So they are compared in steps of the
price band, counted down from the best one; within a step the cheaper model comes first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from services.router.routing.candidates import Ranking, StopReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.routing.candidates import Candidates, Floats
    from services.router.routing.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutForecast:
    """A rollout of the scorer's artifacts, and the scores of the one that did not rank."""

    id: str
    from_candidate: bool
    """True if the candidate ranked, and not the active artifact."""
    candidate_probability: float
    """The probability with which the candidate was drawn, in [0, 1]."""
    other_version: str
    other_scores: Mapping[str, float]
    """Scores of the other artifact, by model id."""
    other_uncertainty: float | None
    other_team_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Estimates made before any model runs; fixed for the whole answer.

    So only the models' answers can change their order.
    """

    completion_tokens: Mapping[str, int] = field(default_factory=dict)
    """Expected tokens of a reply by model, for the models of which the scorer knows them."""
    latency_s: Mapping[str, float] = field(default_factory=dict)
    """Expected duration of a call by model."""
    unavailable_ids: frozenset[str] = frozenset()
    """Models without a replica; empty if no model has one."""
    team_ids: tuple[str, ...] = ()
    """Models that complement one another, best first; empty if the scorer named none."""
    uncertainty: float | None = None
    """Uncertainty of the ranking, in [0, 1]; None if it is unknown."""
    is_substitute: bool = False
    """True if no score of the scorer is used, so that nothing is known of the query."""
    score_sources: Mapping[str, str] = field(default_factory=dict)
    """The source of a model's prior score in words, if the scorer does not know its id."""
    scorer_version: str | None = None
    """The artifact that ranked; None if the scorer was not called or failed."""
    rollout: RolloutForecast | None = None
    """The rollout of a candidate artifact; None if there is none."""

    def is_uncertain(self, limit: float) -> bool:
        """Returns whether the uncertainty is at least the limit, or nothing is known of the query."""
        return self.is_substitute or (self.uncertainty or 0.0) >= limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The score that money and time are worth; zero if they do not count."""

    per_usd: float
    per_second: float


def rates(candidates: Candidates, policy: Policy) -> Rates:
    """Returns the rates of a policy; the candidates are the scale of the former weights."""
    per_usd = _rate(policy.usd_per_right_answer)
    if policy.cost_weight is not None:
        dearest_usd = float(candidates.expected_cost_usd.max(initial=0.0))
        per_usd = policy.cost_weight / (dearest_usd or 1.0)
    per_second = _rate(policy.seconds_per_right_answer)
    if policy.latency_weight is not None:
        slowest_s = float(candidates.expected_latency_s.max(initial=0.0))
        per_second = policy.latency_weight / (slowest_s or 1.0)
    return Rates(per_usd=per_usd, per_second=per_second)


def rank(candidates: Candidates, policy: Policy) -> Ranking:
    """Returns the candidates, best first; the order depends on nothing but the arguments."""
    worth = rates(candidates, policy)
    cost_usd, latency_s = candidates.expected_cost_usd, candidates.expected_latency_s
    quality = policy.quality_weight * candidates.score
    cost_penalty, latency_penalty = worth.per_usd * cost_usd, worth.per_second * latency_s
    utility = quality - cost_penalty - latency_penalty
    gap = utility.max(initial=-math.inf) - utility
    step = gap // policy.price_band if policy.price_band else gap
    order = np.lexsort((cost_usd, step))  # the last one first
    if _has_equals(cost_usd[order], step[order]):
        order = np.lexsort((candidates.id_place, latency_s, gap, cost_usd, step))
    utility = utility[order]
    return Ranking(
        candidates=candidates.ordered(order),
        quality=quality[order],
        cost_penalty=cost_penalty[order],
        latency_penalty=latency_penalty[order],
        utility=utility,
        leads_by_price=_best_after(utility) > utility,
    )


def undominated(scores: Floats, prices: Floats, depth: int) -> list[int]:
    """Returns the indices of offers that fewer than `depth` others surpass in score and price.

    Of equal offers, the ones before surpass the ones after. A decision that looks at `depth` calls at
    most, and whose value grows with scores and falls with prices, needs no other offers.
    """
    kept: list[int] = []
    cheapest = [math.inf] * depth  # of the offers with better scores
    order = np.lexsort((prices, -scores))
    for index, price in zip(order.tolist(), prices[order].tolist(), strict=True):
        if price < cheapest[-1]:
            kept.append(index)
            cheapest[-1] = price
            cheapest.sort()
    return sorted(kept)


def _has_equals(*columns: Floats) -> bool:
    """Returns whether two neighbours have the same value in each column."""
    return bool(np.logical_and.reduce([column[1:] == column[:-1] for column in columns]).any())


def _rate(worth: float | None) -> float:
    return 0.0 if worth is None else 1 / worth


def _best_after(utility: Floats) -> Floats:
    """Returns for each rank the best utility of the ranks after it."""
    after = np.append(utility[1:], -math.inf)
    best: Floats = np.maximum.accumulate(after[::-1])[::-1]
    return best


def early_stop(
    posteriors: Mapping[str, float], *, agreed: bool, layers_run: int, policy: Policy
) -> StopReason | None:
    """Returns the reason to stop after the newest layer; None if another layer may run.

    Args:
        posteriors: The posterior scores of the models that answered. A model that never ran has none,
            so it has no influence.
        agreed: True if all answers of the newest layer agree.
        layers_run: Number of layers that brought an answer.
        policy: The request's limits.
    """
    if posteriors and max(posteriors.values()) >= policy.stopping_score:
        return StopReason.SCORE
    if agreed:
        return StopReason.AGREEMENT
    if layers_run >= policy.max_layer_count:
        return StopReason.LAYER_LIMIT
    return None
