"""Picks the models of a layer from a ranking, and explains for each why it runs or does not. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from services.router.routing.candidates import SelectionReason, StopReason
from services.router.types.amounts import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from services.router.routing.candidates import Booleans, Candidates, Ranked, Ranking
    from services.router.routing.policy import Policy
    from services.router.types.amounts import Amount, Caps

STOP_REASONS = {
    "calls": StopReason.CALL_LIMIT,
    "tokens": StopReason.TOKEN_LIMIT,
    "usd": StopReason.COST_LIMIT,
}
"""The stop reason by the resource whose limit is reached."""
NOBODY: Mapping[str, SelectionReason] = MappingProxyType({})
"""No model is chosen before the others."""
_NEGLIGIBLE = 0.005
"""Smaller terms would show as 0.00; an explanation leaves them out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The models of a layer, or the reason why there is no layer."""

    model_ids: tuple[str, ...]
    """Best first; empty if there is a stop reason."""
    stop_reason: StopReason | None
    reasons: Mapping[str, SelectionReason] = field(default_factory=dict)
    """The reason for every model that was considered."""


def select(
    ranked: Ranking,
    policy: Policy,
    left: Caps,
    *,
    count: int | None = None,
    team_ids: Sequence[str] = (),
    safe_ids: Sequence[str] = (),
    chosen: Mapping[str, SelectionReason] = NOBODY,
) -> Selection:
    """Picks the models of a layer: the safe ones, or else the best, its team, then the next best.

    Args:
        ranked: The eligible models, best first.
        policy: The request's weights and limits.
        left: The amounts that may still be used.
        count: The number of models to run by rank, whatever their scores; None: as the policy says.
        team_ids: Models that complement one another; those with a good enough score are used.
        safe_ids: Models to run whatever their scores; empty if the ranking is certain enough.
        chosen: Models to run before all others, with the reasons.
    """
    candidates = ranked.candidates
    if not candidates.available.any():
        reasons = unavailable(ranked)
        return Selection(model_ids=(), stop_reason=StopReason.NO_MODEL, reasons=reasons)
    most = policy.max_layer_model_count if count is None else count
    gap = policy.max_score_gap if count is None else 1.0
    calls = most if left.calls is None else left.calls
    if calls < 1:
        return Selection(model_ids=(), stop_reason=StopReason.CALL_LIMIT)
    layer = _Layer(candidates=candidates, policy=policy, left=left, size=min(most, calls))
    for model_id, reason in chosen.items():
        layer.fill_by_id([model_id], reason)
    layer.fill_by_id(safe_ids, SelectionReason.SAFE)
    if layer.picked:
        layer.size = len(layer.picked)
    layer.least_score = float(candidates.score[candidates.available].max()) - gap
    layer.fill([int(candidates.available.argmax())], SelectionReason.RANK)
    layer.fill_by_id(team_ids, SelectionReason.TEAM)
    layer.fill(range(len(candidates)), SelectionReason.RANK)
    if not layer.picked:
        # No good enough model fits the limits: a worse one is better than none.
        layer.least_score, layer.size = 0.0, 1
        layer.fill(range(len(candidates)), SelectionReason.RANK)
    reasons = layer.reasons()
    return Selection(
        model_ids=tuple(candidates.model_ids[place] for place in sorted(layer.picked)),
        stop_reason=None if layer.picked else _stop_reason(reasons),
        reasons=reasons,
    )


def unavailable(ranked: Ranking) -> dict[str, SelectionReason]:
    """Returns the models without a replica that can be called, with that reason."""
    gone = np.flatnonzero(~ranked.candidates.available).tolist()
    return {ranked.model_ids[place]: SelectionReason.UNAVAILABLE for place in gone}


@dataclass(slots=True, kw_only=True)
class _Layer:
    """The models picked so far, by rank, and the amounts that they leave for others."""

    candidates: Candidates
    policy: Policy
    left: Caps
    size: int
    least_score: float = 0.0
    picked: dict[int, SelectionReason] = field(default_factory=dict)
    _blocked: dict[int, SelectionReason] = field(default_factory=dict)
    """The limits that kept models out when the layer was filled last."""

    def fill(self, places: Iterable[int], reason: SelectionReason) -> None:
        """Picks the models at these ranks that have no obstacle, until the layer is full."""
        self._blocked = {}
        if len(self.picked) >= self.size:
            return
        candidates = self.candidates
        is_open = candidates.available & self._quick() & self._good()
        for place in places:
            if len(self.picked) >= self.size:
                return
            if place in self.picked or not is_open[place]:
                continue
            worst = candidates.worst(place)
            limit = blocking_limit(self.left, worst)
            if limit is None:
                self.picked[place] = reason
                self.left = self.left.less(worst)
            else:
                self._blocked[place] = SelectionReason[limit.name]

    def fill_by_id(self, model_ids: Iterable[str], reason: SelectionReason) -> None:
        """Picks those of the models that have no obstacle, until the layer is full."""
        ranks = self.candidates.model_ids
        if places := [ranks.index(m) for m in model_ids if m in ranks]:
            self.fill(places, reason)

    def reasons(self) -> dict[str, SelectionReason]:
        """Returns for every model the reason why it runs or does not."""
        obstacles = np.full(len(self.candidates), SelectionReason.LAYER_FULL, dtype=object)
        obstacles[~self._good()] = SelectionReason.SCORE_GAP
        obstacles[~self._quick()] = SelectionReason.LATENCY_LIMIT
        obstacles[~self.candidates.available] = SelectionReason.UNAVAILABLE
        for place, reason in (self._blocked | self.picked).items():
            obstacles[place] = reason
        return dict(zip(self.candidates.model_ids, obstacles.tolist(), strict=True))

    def _good(self) -> Booleans:
        """Returns which models have a score that is good enough."""
        return self.candidates.score >= self.least_score

    def _quick(self) -> Booleans:
        """Returns which models are expected to answer in time."""
        return self.candidates.expected_latency_s <= self.policy.latency_limit_s


def _stop_reason(reasons: Mapping[str, SelectionReason]) -> StopReason:
    """Returns the limit that kept a model out, or else that no model is left."""
    for limit in (SelectionReason.COST_LIMIT, SelectionReason.TOKEN_LIMIT):
        if limit in reasons.values():
            return StopReason[limit.name]
    return StopReason.NO_MODEL


def blocking_limit(left: Caps, worst: Amount) -> StopReason | None:
    """Returns the limit that leaves no room for a call; None if there is room.

    Args:
        left: The amounts that may still be used.
        worst: The most that the call can use.
    """
    resource = left.refused_resource(NOTHING, worst)
    return None if resource is None else STOP_REASONS[resource]


def fitting(worst_cases: Sequence[Amount], left: Caps) -> tuple[tuple[int, ...], StopReason]:
    """Returns the indices of the calls that fit together, and the limit that blocks the first other.

    A call that does not fit is skipped; a smaller one after it may still fit.
    """
    kept: list[int] = []
    reasons: list[StopReason] = []
    for index, worst in enumerate(worst_cases):
        reason = blocking_limit(left, worst)
        if reason is not None:
            reasons.append(reason)
            continue
        kept.append(index)
        left = left.less(worst)
    return tuple(kept), reasons[0] if reasons else StopReason.NO_MODEL


def explain(ranked: Ranked, reason: SelectionReason | None) -> str:
    """Returns the reasons of a model's rank, and why it runs or does not.

    For example: "0.81 likely to answer well, 0.02 less for its price; runs because of its rank".
    """
    candidate = ranked.candidate
    parts = [f"{candidate.score:.2f} likely to answer well"]
    if candidate.score != candidate.prior_score:
        parts[0] += f" (before it ran: {candidate.prior_score:.2f})"
    if abs(ranked.quality - candidate.score) >= _NEGLIGIBLE:
        parts.append(f"weighted {ranked.quality:.2f}")
    if ranked.cost_penalty >= _NEGLIGIBLE:
        parts.append(f"{ranked.cost_penalty:.2f} less for its price")
    if ranked.latency_penalty >= _NEGLIGIBLE:
        parts.append(f"{ranked.latency_penalty:.2f} less for its latency")
    clauses = [", ".join(parts)]
    if candidate.score_source:
        clauses.append(candidate.score_source)
    if ranked.leads_by_price:
        clauses.append("ranked above a similar model that costs more")
    if candidate.cached_prompt_tokens:
        kept = "kept: " if reason is SelectionReason.SESSION else ""
        cached, whole = candidate.cached_prompt_tokens, candidate.expected_prompt_tokens
        clauses.append(f"{kept}{cached:,} of {whole:,} prompt tokens are likely cached")
    if reason is not None:
        clauses.append(reason.value)
    return "; ".join(clauses)
