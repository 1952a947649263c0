"""Which of the ranked models a layer runs, and why each of them does or does not."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.routing.limits import lack
from services.router.routing.ranking import StopReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from services.router.routing.policy import Policy
    from services.router.routing.ranking import Candidate, Ranked
    from services.router.types.resource_limits import Caps


class SelectionReason(enum.Enum):
    """Why a model is in a layer, or is not; documented in the contract's enum of the same name."""

    RANK = "runs, for its rank"
    TEAM = "runs, to complete the models before it"
    SAFE = "runs, as a safe model: the ranking is uncertain"
    STRATEGY = "runs, as the strategy wants"
    SCORE_GAP = "does not run: its score lies too far below the best one"
    COST_LIMIT = "does not run: it could cost more than is left"
    LATENCY_LIMIT = "does not run: it is expected to take too long"
    TOKEN_LIMIT = "does not run: it could take more tokens than are left"  # noqa: S105  # no secret
    LAYER_FULL = "does not run: the layer is full"
    UNAVAILABLE = "does not run: none of its replicas can be called"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What one layer runs, or why it does not run."""

    model_ids: tuple[str, ...]
    """Best first; empty if there is a stop reason."""
    stop_reason: StopReason | None
    reasons: Mapping[str, SelectionReason] = field(default_factory=dict)
    """Of every model that was considered."""


def select(
    ranked: Sequence[Ranked],
    policy: Policy,
    left: Caps,
    *,
    team_ids: Sequence[str] = (),
    safe_ids: Sequence[str] = (),
) -> Selection:
    """Picks a layer's models: safe ones, or else the best, its team, and the next best.

    Args:
        ranked: The eligible models, best first.
        policy: The request's weights and limits.
        left: What may still be taken.
        team_ids: Models that complement one another; used as far as they are good enough.
        safe_ids: Models to run whatever their scores; none where the ranking may be relied on.
    """
    by_rank = [r.candidate for r in ranked if r.candidate.available]
    gone = unavailable(ranked)
    if not by_rank:
        return Selection(model_ids=(), stop_reason=StopReason.NO_MODEL, reasons=gone)
    calls = policy.max_layer_models if left.calls is None else left.calls
    if calls < 1:
        return Selection(model_ids=(), stop_reason=StopReason.CALL_LIMIT)
    by_id = {candidate.model_id: candidate for candidate in by_rank}
    seats = min(policy.max_layer_models, calls)
    layer = _Layer(policy=policy, left=left, seats=seats, reasons=gone)
    layer.fill([by_id[m] for m in safe_ids if m in by_id], SelectionReason.SAFE)
    if layer.picked:
        layer.seats = len(layer.picked)
    layer.least_score = max(c.score for c in by_rank) - policy.max_score_gap
    layer.fill(by_rank[:1], SelectionReason.RANK)
    layer.fill([by_id[m] for m in team_ids if m in by_id], SelectionReason.TEAM)
    layer.fill(by_rank, SelectionReason.RANK)
    if not layer.picked:
        # What is good enough does not fit the limits: something worse is better than nothing.
        layer.least_score, layer.seats = 0.0, 1
        layer.fill(by_rank, SelectionReason.RANK)
    return Selection(
        model_ids=tuple(c.model_id for c in by_rank if c.model_id in layer.picked),
        stop_reason=None if layer.picked else _stop_reason(layer.reasons),
        reasons=layer.reasons,
    )


def unavailable(ranked: Iterable[Ranked]) -> dict[str, SelectionReason]:
    """Returns the models that no layer can run, with that as the reason."""
    return {r.model_id: SelectionReason.UNAVAILABLE for r in ranked if not r.candidate.available}


@dataclass(slots=True, kw_only=True)
class _Layer:
    """A layer in the making: who is in, and what that leaves for others."""

    policy: Policy
    left: Caps
    seats: int
    least_score: float = 0.0
    picked: set[str] = field(default_factory=set)
    reasons: dict[str, SelectionReason] = field(default_factory=dict)

    def fill(self, candidates: Iterable[Candidate], reason: SelectionReason) -> None:
        """Picks those that nothing keeps out, and notes why each is in or out."""
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
        if len(self.picked) >= self.seats:
            return SelectionReason.LAYER_FULL
        limit = lack(self.left, candidate.worst)
        return None if limit is None else SelectionReason[limit.name]


def _stop_reason(reasons: Mapping[str, SelectionReason]) -> StopReason:
    """Returns the limit that kept a model out; if none did, there is no model left."""
    for limit in (SelectionReason.COST_LIMIT, SelectionReason.TOKEN_LIMIT):
        if limit in reasons.values():
            return StopReason[limit.name]
    return StopReason.NO_MODEL
