"""Builds the decision record of a run that has ended. Pure."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.decision_records.record import (
    AssessmentEntry,
    AttemptEntry,
    DecisionRecord,
    ExplorationEntry,
    FallbackEntry,
    LayerEntry,
    RankedEntry,
    RolloutEntry,
    TimingEntry,
    TotalsEntry,
)
from services.router.exploration.chances import propensities

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pydantic import JsonValue

    from services.router.decision_records.record import AnswerOutcome
    from services.router.decision_records.redaction import Redaction
    from services.router.engine.run import Run
    from services.router.routing.candidates import Ranked, SelectionReason
    from services.router.routing.events import Answer, LayerReport, RoutingDecision, Timing
    from services.router.routing.policy import Policy
    from services.router.routing.ranking import RolloutForecast
    from services.router.types.ledger import Ledger, LedgerEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The facts of a call that its run does not hold."""

    id: str
    request_id: str | None
    trace_id: str | None
    started: datetime
    outcome: AnswerOutcome
    error_reason: str | None
    tenant: str | None
    total_s: float
    config_version: str


def decision_record(
    run: Run, decisions: Sequence[RoutingDecision], ending: Ending, redaction: Redaction
) -> DecisionRecord:
    """Returns the record of a run that has ended, with or without an answer.

    Args:
        run: The run; it does not change any more.
        decisions: The routing decisions of the run, in order.
        ending: The end of the call.
        redaction: The operator's choice of texts.
    """
    reports = {report.layer_number: report for report in run.reports}
    final = run.final
    return DecisionRecord(
        id=ending.id,
        time=ending.started,
        request_id=ending.request_id,
        trace_id=ending.trace_id,
        outcome=ending.outcome,
        error_reason=ending.error_reason,
        tenant=ending.tenant,
        strategy=run.policy.strategy,
        policy=_policy(run.policy),
        config_version=ending.config_version,
        pool_version=run.pool.version,
        scorer_version=run.forecast.scorer_version,
        rollout=_rollout(run.forecast.rollout),
        uncertainty=run.forecast.uncertainty,
        query=redaction.query(run.conversation),
        options=redaction.options(run.conversation.options),
        prior_scores=dict(run.priors),
        team_model_ids=run.forecast.team_ids,
        safe_model_ids=run.pool.safe_models,
        posterior_scores=dict(run.posteriors),
        exploration=_exploration(run, decisions),
        layers=tuple(_layer(d, reports.get(d.layer_number), run, redaction) for d in decisions),
        invalid_answers=tuple(map(redaction.invalid, run.invalid)),
        stop_reason=_name(run.stop_reason),
        final_model_id=None if final is None else final.model_id,
        final_text=None if final is None else redaction.text(final.text),
        final_finish_reason=None if final is None else _name(final.finish_reason),
        final_tool_calls=() if final is None else redaction.tool_calls(final.tool_calls),
        final_refused=final is not None and bool(final.refusal),
        final_refusal=None if final is None else redaction.text(final.refusal or None),
        fallbacks=tuple(
            FallbackEntry(
                dependency=fallback.dependency.name,
                status=fallback.reason.name,
                substitute=fallback.substitute.name,
            )
            for fallback in run.fallbacks
        ),
        attempts=tuple(_attempt(entry) for entry in run.ledger.entries),
        totals=_totals(run.ledger),
        timing=_timing(run.timing, ending.total_s),
    )


def _exploration(run: Run, decisions: Sequence[RoutingDecision]) -> ExplorationEntry | None:
    if run.exploration is None or not decisions:
        return None
    return ExplorationEntry(
        explored=run.exploration.model_id in decisions[0].selected_model_ids,
        propensities=propensities(run.exploration),
    )


def _policy(policy: Policy) -> dict[str, JsonValue]:
    fields: dict[str, JsonValue] = {}
    for name, value in dataclasses.asdict(policy).items():
        fields[name] = sorted(value) if isinstance(value, frozenset) else value
    return fields


def _layer(
    decision: RoutingDecision, report: LayerReport | None, run: Run, redaction: Redaction
) -> LayerEntry:
    reasons = decision.all_reasons
    ranking = tuple(_ranked(each, reasons.get(each.model_id)) for each in decision.ranked)
    if report is None:
        return LayerEntry(
            layer_number=decision.layer_number,
            ranking=ranking,
            selected_model_ids=decision.selected_model_ids,
        )
    return LayerEntry(
        layer_number=decision.layer_number,
        ranking=ranking,
        selected_model_ids=decision.selected_model_ids,
        answers=tuple(
            redaction.answer(answer, agrees=agrees)
            for answer, agrees in zip(report.answers, _agreement(run, report.answers), strict=True)
        ),
        assessments=tuple(
            AssessmentEntry(
                model_id=assessment.model_id,
                posterior_score=assessment.posterior_score,
                self_score=assessment.self_score,
                cross_score=assessment.cross_score,
                answer_score=assessment.answer_score,
            )
            for assessment in report.assessments
        ),
        duration_s=report.duration_s,
    )


def _ranked(ranked: Ranked, reason: SelectionReason | None) -> RankedEntry:
    candidate = ranked.candidate
    return RankedEntry(
        model_id=candidate.model_id,
        score=candidate.score,
        prior_score=candidate.prior_score,
        utility=ranked.utility,
        expected_completion_tokens=candidate.expected_completion_tokens,
        expected_cost_usd=candidate.expected_cost_usd,
        worst_cost_usd=candidate.worst.usd,
        worst_tokens=candidate.worst.tokens,
        expected_latency_s=candidate.expected_latency_s,
        reason=_name(reason),
    )


def _agreement(run: Run, answers: Sequence[Answer]) -> tuple[bool | None, ...]:
    """Returns whether each answer agrees with the final one; None where that cannot be compared."""
    if run.final is None:
        return (None,) * len(answers)
    *keys, final = run.form.keys([*answers, run.final])
    known = final is not None
    return tuple(key == final if known and key is not None else None for key in keys)


def _rollout(rollout: RolloutForecast | None) -> RolloutEntry | None:
    if rollout is None:
        return None
    return RolloutEntry(
        rollout_id=rollout.id,
        from_candidate=rollout.from_candidate,
        candidate_probability=rollout.candidate_probability,
        other_scorer_version=rollout.other_version,
        other_prior_scores=dict(rollout.other_scores),
        other_uncertainty=rollout.other_uncertainty,
        other_team_model_ids=rollout.other_team_ids,
    )


def _attempt(entry: LedgerEntry) -> AttemptEntry:
    fields = {item.name: getattr(entry, item.name) for item in dataclasses.fields(entry)}
    names = {name: value.name for name, value in fields.items() if isinstance(value, enum.Enum)}
    return AttemptEntry(**(fields | names))


def _totals(ledger: Ledger) -> TotalsEntry:
    return TotalsEntry(
        attempt_count=len(ledger.entries),
        prompt_tokens=sum(entry.prompt_tokens for entry in ledger.entries),
        completion_tokens=sum(entry.completion_tokens for entry in ledger.entries),
        cost_usd=ledger.cost_usd,
    )


def _timing(timing: Timing, total_s: float) -> TimingEntry:
    return TimingEntry(
        total_s=total_s,
        scorer_s=timing.scorer_s,
        generation_s=timing.generation_s,
        judge_s=timing.judge_s,
        aggregation_s=timing.aggregation_s,
        first_delta_s=timing.first_delta_s,
    )


def _name(value: enum.Enum | None) -> str | None:
    return None if value is None else value.name
