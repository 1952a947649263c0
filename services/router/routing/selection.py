"""Picks the models of a layer from a ranking, and explains for each why it runs or does not. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from services.router.routing.candidates import SelectionReason, StopReason
from services.router.types.amounts import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from services.router.routing.candidates import Candidate, Ranked
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
    ranked: Sequence[Ranked],
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
    by_rank = [r.candidate for r in ranked if r.candidate.available]
    gone = unavailable(ranked)
    if not by_rank:
        return Selection(model_ids=(), stop_reason=StopReason.NO_MODEL, reasons=gone)
    most = policy.max_layer_model_count if count is None else count
    gap = policy.max_score_gap if count is None else 1.0
    calls = most if left.calls is None else left.calls
    if calls < 1:
        return Selection(model_ids=(), stop_reason=StopReason.CALL_LIMIT)
    by_id = {candidate.model_id: candidate for candidate in by_rank}
    layer = _Layer(policy=policy, left=left, size=min(most, calls), reasons=gone)
    for model_id in chosen.keys() & by_id.keys():
        layer.fill([by_id[model_id]], chosen[model_id])
    layer.fill([by_id[m] for m in safe_ids if m in by_id], SelectionReason.SAFE)
    if layer.picked:
        layer.size = len(layer.picked)
    layer.least_score = max(c.score for c in by_rank) - gap
    layer.fill(by_rank[:1], SelectionReason.RANK)
    layer.fill([by_id[m] for m in team_ids if m in by_id], SelectionReason.TEAM)
    layer.fill(by_rank, SelectionReason.RANK)
    if not layer.picked:
        # No good enough model fits the limits: a worse one is better than none.
        layer.least_score, layer.size = 0.0, 1
        layer.fill(by_rank, SelectionReason.RANK)
    return Selection(
        model_ids=tuple(c.model_id for c in by_rank if c.model_id in layer.picked),
        stop_reason=None if layer.picked else _stop_reason(layer.reasons),
        reasons=layer.reasons,
    )


def unavailable(ranked: Iterable[Ranked]) -> dict[str, SelectionReason]:
    """Returns the models without a replica that can be called, with that reason."""
    return {r.model_id: SelectionReason.UNAVAILABLE for r in ranked if not r.candidate.available}


@dataclass(slots=True, kw_only=True)
class _Layer:
    """The models picked so far, and the amounts that they leave for others."""

    policy: Policy
    left: Caps
    size: int
    least_score: float = 0.0
    picked: set[str] = field(default_factory=set)
    reasons: dict[str, SelectionReason] = field(default_factory=dict)

    def fill(self, candidates: Iterable[Candidate], reason: SelectionReason) -> None:
        """Picks the candidates that have no obstacle, and records the reason for each."""
        for candidate in candidates:
            if candidate.model_id in self.picked:
                continue
            obstacle = self._obstacle(candidate)
            self.reasons[candidate.model_id] = obstacle or reason
            if obstacle is None:
                self.picked.add(candidate.model_id)
                self.left = self.left.less(candidate.worst)

    def _obstacle(self, candidate: Candidate) -> SelectionReason | None:
        if not self.policy.allows_latency(candidate.expected_latency_s):
            return SelectionReason.LATENCY_LIMIT
        if candidate.score < self.least_score:
            return SelectionReason.SCORE_GAP
        if len(self.picked) >= self.size:
            return SelectionReason.LAYER_FULL
        limit = blocking_limit(self.left, candidate.worst)
        return None if limit is None else SelectionReason[limit.name]


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
