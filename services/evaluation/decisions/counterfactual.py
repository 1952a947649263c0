"""One record under another policy: both choices and their known outcomes. Pure.

Only the first layer is chosen anew: later layers depend on answers that are not known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.routing.agreement import Offer, worthwhile_call
from services.router.routing.candidates import Candidate, Candidates, SelectionReason
from services.router.routing.events import Dependency
from services.router.routing.next_calls import next_calls, wants_second
from services.router.routing.ranking import rank
from services.router.routing.selection import fitting, select
from services.router.types.amounts import Amount
from services.router.types.ledger import CallPurpose, CallStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from services.router.decision_records.record import DecisionRecord, LayerEntry, RankedEntry
    from services.router.routing.candidates import Ranking
    from services.router.routing.policy import Policy

_COMPARABLE_SHARE = 0.5
"""Records do not hold how often answers could be compared."""
_RESUME = "RESUME"
"""Kind of an attempt that wrote only the end of a reply: its amounts are not those of the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The models of a first layer, best first, with their expected cost and latency."""

    model_ids: tuple[str, ...]
    expected_cost_usd: float
    expected_latency_s: float
    """Latency of the slowest, since they run in parallel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerView:
    """A scorer's scores, uncertainty and team for a query, and the pool's safe models."""

    scores: Mapping[str, float]
    uncertainty: float
    team_ids: tuple[str, ...]
    safe_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCall:
    """Cost and duration of a model's first call in the record."""

    cost_usd: float
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A recorded query under both policies."""

    recorded: Choice
    other: Choice
    outcomes: Mapping[str, float]
    """Value of each model that ran, in [0, 1]: its posterior score, or 0 if it failed. Models that were
    not called or were cancelled have none."""
    calls: Mapping[str, MeasuredCall] = field(default_factory=dict)
    """Calls of the models that answered."""

    def value(self, choice: Choice) -> float | None:
        """Returns the value of a choice's best answer; None unless all its models have a value."""
        if not choice.model_ids or any(m not in self.outcomes for m in choice.model_ids):
            return None
        return max(self.outcomes[model_id] for model_id in choice.model_ids)

    def regret(self, choice: Choice) -> float | None:
        """Returns the best known value less the choice's value; None if that is unknown."""
        value = self.value(choice)
        return None if value is None else max(self.outcomes.values()) - value


def strategies() -> tuple[str, ...]:
    """Returns the strategies whose first layer does not depend on any answer."""
    return tuple(_FIRST_LAYERS)


def compare(
    record: DecisionRecord, policy: Policy, scorer: ScorerView | None = None
) -> Comparison | None:
    """Returns both choices of a record; None if it has no first layer.

    A conversation that stayed with its model stays with it under the other policy.

    Args:
        record: A record; the expected costs and latencies of its models are kept.
        policy: The other policy; its strategy is one of `strategies()`.
        scorer: Another scorer's view; a model that it does not know keeps its recorded score.
    """
    if not record.layers or not record.layers[0].ranking:
        return None
    layer = record.layers[0]
    view = scorer or recorded_view(record)
    candidates = [
        _candidate(note, view.scores.get(note.model_id, note.prior_score)) for note in layer.ranking
    ]
    chosen = _FIRST_LAYERS[policy.strategy](rank(Candidates.of(candidates), policy), policy, view)
    if any(note.reason == SelectionReason.SESSION.name for note in layer.ranking):
        chosen = layer.selected_model_ids
    return Comparison(
        recorded=_choice(layer, layer.selected_model_ids),
        other=_choice(layer, chosen),
        outcomes=outcomes_of(record),
        calls=_calls(record),
    )


def ends_with_first_layer(
    record: DecisionRecord, policy: Policy, scorer: ScorerView, chosen: Sequence[str]
) -> bool:
    """Returns whether nothing can follow a first layer, so that its models alone decide the answer.

    `routemoa` ends with one model if no answer of it makes a second call worthwhile.

    Args:
        record: A record.
        policy: The policy.
        scorer: The scorer's view.
        chosen: The first layer.
    """
    if policy.strategy == "single":
        return True
    if policy.strategy != "routemoa" or len(chosen) != 1:
        return False
    candidates = [
        _candidate(note, scorer.scores.get(note.model_id, note.prior_score))
        for note in record.layers[0].ranking
    ]
    offers = _offers(rank(Candidates.of(candidates), policy), policy)
    return not wants_second(offers, may_doubt=True)


def recorded_view(record: DecisionRecord) -> ScorerView:
    """Returns the recorded view of the router's own scorer."""
    return ScorerView(
        scores=record.prior_scores,
        uncertainty=_recorded_uncertainty(record),
        team_ids=record.team_model_ids,
        safe_ids=record.safe_model_ids,
    )


def _recorded_uncertainty(record: DecisionRecord) -> float:
    """Returns the uncertainty of a record: 1 if the scorer was asked and its scores were not used."""
    if record.uncertainty is not None:
        return record.uncertainty
    failed = any(f.dependency == Dependency.SCORER.name for f in record.fallbacks)
    return 1.0 if failed or record.scorer_version is not None else 0.0


def outcomes_of(record: DecisionRecord) -> dict[str, float]:
    """Returns the value of each model that ran, where the record shows it.

    A posterior without a self score or a grade by others is the prior: it is not an outcome.
    """
    attempts = [a for a in record.attempts if a.purpose == CallPurpose.ANSWER.name]
    answered = {a.model_id for a in attempts if a.status == CallStatus.OK.name}
    outcomes = {
        a.model_id: 0.0
        for a in attempts
        if a.status != CallStatus.CANCELLED.name and a.model_id not in answered
    }
    for layer in record.layers:
        for assessment in layer.assessments:
            if assessment.self_score is not None or assessment.cross_score is not None:
                outcomes[assessment.model_id] = assessment.posterior_score
    return outcomes


def _calls(record: DecisionRecord) -> dict[str, MeasuredCall]:
    calls: dict[str, MeasuredCall] = {}
    for attempt in record.attempts:
        whole = attempt.status == CallStatus.OK.name and attempt.attempt_kind != _RESUME
        if attempt.purpose == CallPurpose.ANSWER.name and whole:
            call = MeasuredCall(cost_usd=attempt.cost_usd, duration_s=attempt.duration_s)
            calls.setdefault(attempt.model_id, call)
    return calls


def _candidate(note: RankedEntry, score: float) -> Candidate:
    return Candidate(
        model_id=note.model_id,
        score=score,
        prior_score=score,
        expected_completion_tokens=note.expected_completion_tokens,
        expected_cost_usd=note.expected_cost_usd,
        worst=Amount.of_call(note.worst_tokens, note.worst_cost_usd),
        expected_latency_s=note.expected_latency_s,
    )


def _choice(layer: LayerEntry, model_ids: Sequence[str]) -> Choice:
    notes = [note for note in layer.ranking if note.model_id in model_ids]
    return Choice(
        model_ids=tuple(model_ids),
        expected_cost_usd=sum(note.expected_cost_usd for note in notes),
        expected_latency_s=max((note.expected_latency_s for note in notes), default=0.0),
    )


def _layers(ranked: Ranking, policy: Policy, scorer: ScorerView) -> tuple[str, ...]:
    safe = scorer.safe_ids if scorer.uncertainty >= policy.max_uncertainty else ()
    return select(ranked, policy, policy.caps, team_ids=scorer.team_ids, safe_ids=safe).model_ids


def _routemoa(ranked: Ranking, policy: Policy, scorer: ScorerView) -> tuple[str, ...]:
    if scorer.safe_ids and scorer.uncertainty >= policy.max_uncertainty:
        return _layers(ranked, policy, scorer)
    calls = next_calls([], _offers(ranked, policy), comparable_share=_COMPARABLE_SHARE)
    return tuple(offer.model_id for offer in calls)


def _cascade(ranked: Ranking, policy: Policy, _: ScorerView) -> tuple[str, ...]:
    offer = worthwhile_call([], _offers(ranked, policy))
    return _best(ranked, policy, 1) if offer is None else (offer.model_id,)


def _offers(ranked: Ranking, policy: Policy) -> list[Offer]:
    """Returns the calls that the limits allow."""
    affordable = _best(ranked, policy, len(ranked))
    return [
        Offer(
            model_id=item.model_id,
            score=item.candidate.score,
            price=item.cost_penalty + item.latency_penalty,
            latency_price=item.latency_penalty,
        )
        for item in ranked
        if item.model_id in affordable
    ]


def _best(ranked: Ranking, policy: Policy, count: int) -> tuple[str, ...]:
    """Returns the first models of a ranking whose worst-case amounts fit the limits."""
    candidates = [item.candidate for item in ranked]
    kept, _ = fitting([candidate.worst for candidate in candidates], policy.caps)
    return tuple(candidates[number].model_id for number in kept[:count])


_FIRST_LAYERS: Mapping[str, Callable[[Ranking, Policy, ScorerView], tuple[str, ...]]] = {
    "routemoa": _routemoa,
    "layers": _layers,
    "single": lambda ranked, policy, _: _best(ranked, policy, 1),
    "cascade": _cascade,
    "moa": lambda ranked, policy, _: _best(ranked, policy, policy.max_layer_model_count),
}
