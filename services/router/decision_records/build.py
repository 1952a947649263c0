"""A run that has ended -> its record. Pure."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.decision_records.record import (
    AnswerNote,
    AssessmentNote,
    AttemptNote,
    DecisionRecord,
    FallbackNote,
    LayerNote,
    RankedNote,
    TimingNote,
    TotalsNote,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pydantic import JsonValue

    from services.router.decision_records.record import Outcome
    from services.router.decision_records.redaction import Redaction
    from services.router.engine.run import Run
    from services.router.routing.events import Answer, LayerReport, RoutingDecision, Timing
    from services.router.routing.policy import Policy
    from services.router.routing.ranking import Ranked
    from services.router.types.ledger import Ledger, LedgerEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is known of a call beside its run."""

    id: str
    started: datetime
    outcome: Outcome
    error_reason: str | None
    tenant: str | None
    total_s: float
    config_version: str


def decision_record(
    run: Run, decisions: Sequence[RoutingDecision], ending: Ending, redaction: Redaction
) -> DecisionRecord:
    """Returns the record of a run that has ended, however it did.

    Args:
        run: The run; nothing of it changes any more.
        decisions: The routing decisions that the run announced, in order.
        ending: How the call ended.
        redaction: What of the texts is kept.
    """
    reports = {report.layer_number: report for report in run.reports}
    final = run.final
    return DecisionRecord(
        id=ending.id,
        time=ending.started,
        outcome=ending.outcome,
        error_reason=ending.error_reason,
        tenant=ending.tenant,
        strategy=run.policy.strategy,
        policy=_policy(run.policy),
        config_version=ending.config_version,
        pool_version=run.pool.version,
        scorer_version=run.forecast.scorer_version,
        uncertainty=run.forecast.uncertainty,
        query=redaction.query(run.conversation),
        prior_scores=dict(run.priors),
        team_model_ids=run.forecast.team_ids,
        safe_model_ids=run.pool.safe_models,
        posterior_scores=dict(run.posteriors),
        layers=tuple(_layer(d, reports.get(d.layer_number), redaction) for d in decisions),
        stop_reason=None if run.stop_reason is None else run.stop_reason.name,
        final_model_id=None if final is None else final.model_id,
        final_text=None if final is None else redaction.text(final.text),
        fallbacks=tuple(
            FallbackNote(
                dependency=fallback.dependency.name,
                status=fallback.status,
                substitute=fallback.substitute.name,
            )
            for fallback in run.fallbacks
        ),
        attempts=tuple(_attempt(entry) for entry in run.ledger.entries),
        totals=_totals(run.ledger),
        timing=_timing(run.timing, ending.total_s),
    )


def _policy(policy: Policy) -> dict[str, JsonValue]:
    fields: dict[str, JsonValue] = {}
    for name, value in dataclasses.asdict(policy).items():
        fields[name] = sorted(value) if isinstance(value, frozenset) else value
    return fields


def _layer(
    decision: RoutingDecision, report: LayerReport | None, redaction: Redaction
) -> LayerNote:
    ranking = tuple(_ranked(ranked, decision) for ranked in decision.ranked)
    if report is None:
        return LayerNote(
            layer_number=decision.layer_number,
            ranking=ranking,
            selected_model_ids=decision.selected_model_ids,
        )
    return LayerNote(
        layer_number=decision.layer_number,
        ranking=ranking,
        selected_model_ids=decision.selected_model_ids,
        answers=tuple(_answer(answer, redaction) for answer in report.answers),
        assessments=tuple(
            AssessmentNote(
                model_id=assessment.model_id,
                posterior_score=assessment.posterior_score,
                self_score=assessment.self_score,
                cross_score=assessment.cross_score,
            )
            for assessment in report.assessments
        ),
        duration_s=report.duration_s,
    )


def _ranked(ranked: Ranked, decision: RoutingDecision) -> RankedNote:
    candidate, reason = ranked.candidate, decision.reason(ranked.model_id)
    return RankedNote(
        model_id=candidate.model_id,
        score=candidate.score,
        prior_score=candidate.prior_score,
        utility=ranked.utility,
        expected_completion_tokens=candidate.expected_completion_tokens,
        expected_cost_usd=candidate.expected_cost_usd,
        worst_cost_usd=candidate.worst.usd,
        worst_tokens=candidate.worst.tokens,
        expected_latency_s=candidate.expected_latency_s,
        reason=None if reason is None else reason.name,
    )


def _answer(answer: Answer, redaction: Redaction) -> AnswerNote:
    return AnswerNote(
        model_id=answer.model_id,
        self_score=answer.self_score,
        grades=dict(answer.grades),
        text=redaction.text(answer.text),
    )


def _attempt(entry: LedgerEntry) -> AttemptNote:
    fields = {item.name: getattr(entry, item.name) for item in dataclasses.fields(entry)}
    names = {name: value.name for name, value in fields.items() if isinstance(value, enum.Enum)}
    return AttemptNote(**(fields | names))


def _totals(ledger: Ledger) -> TotalsNote:
    return TotalsNote(
        attempt_count=len(ledger.entries),
        prompt_tokens=sum(entry.prompt_tokens for entry in ledger.entries),
        completion_tokens=sum(entry.completion_tokens for entry in ledger.entries),
        cost_usd=ledger.cost_usd,
    )


def _timing(timing: Timing, total_s: float) -> TimingNote:
    return TimingNote(
        total_s=total_s,
        scorer_s=timing.scorer_s,
        generation_s=timing.generation_s,
        judge_s=timing.judge_s,
        aggregation_s=timing.aggregation_s,
        first_delta_s=timing.first_delta_s,
    )
