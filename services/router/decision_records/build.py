"""Builds the decision record of a run that has ended. Pure."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.decision_records.record import (
    AnswerEntry,
    AssessmentEntry,
    AttemptEntry,
    DecisionRecord,
    FallbackEntry,
    LayerEntry,
    QueryEntry,
    RankedEntry,
    TimingEntry,
    TotalsEntry,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pydantic import JsonValue

    from services.router.decision_records.record import AnswerOutcome
    from services.router.engine.run import Run
    from services.router.routing.candidates import Ranked
    from services.router.routing.events import Answer, LayerReport, RoutingDecision, Timing
    from services.router.routing.policy import Policy
    from services.router.types.conversation import Conversation
    from services.router.types.ledger import Ledger, LedgerEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """The operator's choice of texts in records; by default there are only lengths."""

    key: bytes | None = field(default=None, repr=False)
    """The key of the hash of queries: only its owner can recognize equal queries."""
    keep_text: bool

    def query(self, conversation: Conversation) -> QueryEntry:
        """Returns the entry of a conversation's query."""
        text = conversation.query
        return QueryEntry(
            keyed_hash=None if self.key is None else self._hash(self.key, text),
            character_count=len(text),
            estimated_token_count=conversation.tokens,
            message_count=len(conversation.messages),
            text=self.text(text),
        )

    def text(self, text: str | None) -> str | None:
        """Returns the text of an answer or a query if records hold texts, else None."""
        return text if self.keep_text else None

    @staticmethod
    def _hash(key: bytes, text: str) -> str:
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The facts of a call that its run does not hold."""

    id: str
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


def _policy(policy: Policy) -> dict[str, JsonValue]:
    fields: dict[str, JsonValue] = {}
    for name, value in dataclasses.asdict(policy).items():
        fields[name] = sorted(value) if isinstance(value, frozenset) else value
    return fields


def _layer(
    decision: RoutingDecision, report: LayerReport | None, redaction: Redaction
) -> LayerEntry:
    ranking = tuple(_ranked(ranked, decision) for ranked in decision.ranked)
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
        answers=tuple(_answer(answer, redaction) for answer in report.answers),
        assessments=tuple(
            AssessmentEntry(
                model_id=assessment.model_id,
                posterior_score=assessment.posterior_score,
                self_score=assessment.self_score,
                cross_score=assessment.cross_score,
            )
            for assessment in report.assessments
        ),
        duration_s=report.duration_s,
    )


def _ranked(ranked: Ranked, decision: RoutingDecision) -> RankedEntry:
    candidate, reason = ranked.candidate, decision.reason(ranked.model_id)
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
        reason=None if reason is None else reason.name,
    )


def _answer(answer: Answer, redaction: Redaction) -> AnswerEntry:
    return AnswerEntry(
        model_id=answer.model_id,
        self_score=answer.self_score,
        grades=dict(answer.grades),
        finish_reason=None if answer.finish_reason is None else answer.finish_reason.name,
        text=redaction.text(answer.text),
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
