"""The router's answer to one recorded query, with the recorded score of its text.

Correctness is looked up, not judged: the final text is a recorded answer of some model, and has that
answer's recorded score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routemoa.cli.terminal import seconds
from routemoa.v1 import router_service_pb2 as router_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routemoa.v1.model_pb2 import Answer
    from services.evaluation.answers.recorded_pool import RecordedQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The time of one answer by part, in seconds."""

    total_s: float
    scorer_s: float
    judge_s: float
    overhead_s: float
    """The total without scorer, judge, models and aggregator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """The router's answer to one query, or its failure."""

    query: RecordedQuery
    first_ranked_model: str | None
    """The best model before any ran; None if the call failed before the ranking."""
    final_score: float | None = None
    """Score of the final answer; None if there is none or its text is not recorded."""
    cost_usd: float = 0.0
    call_count: int = 0
    failed_call_count: int = 0
    layer_count: int = 0
    fallback_count: int = 0
    timing: Timing | None = None
    """None if the call failed."""
    error_reason: str | None = None
    """Reason of the failure; None if there is an answer."""

    @property
    def is_unmatched(self) -> bool:
        """True if the final text is not a recorded answer."""
        return self.error_reason is None and self.final_score is None

    @property
    def first_ranked_score(self) -> float:
        """Score of the first-ranked model's answer; zero if none was ranked."""
        model = self.first_ranked_model
        return 0.0 if model is None else self.query.scores[model]


def read_result(
    query: RecordedQuery,
    first_ranked_model: str | None,
    result: router_pb2.GenerateAnswerResponse,
) -> QueryResult:
    """Returns the result of a query with an answer."""
    failed = [entry for entry in result.usage if entry.status != router_pb2.CALL_STATUS_OK]
    return QueryResult(
        query=query,
        first_ranked_model=first_ranked_model,
        final_score=_recorded_score(query, result.answer),
        cost_usd=result.cost_usd,
        call_count=len(result.usage),
        failed_call_count=len(failed),
        layer_count=len(result.layers),
        fallback_count=len(result.fallbacks),
        timing=_read_timing(result.timing),
    )


def _recorded_score(query: RecordedQuery, answer: Answer) -> float | None:
    text = answer.text.strip()
    # An empty text is no answer, although it would match an empty recording.
    authors: Sequence[str] = [m for m, said in query.responses.items() if said.strip() == text]
    if not text or not authors:
        return None
    author = answer.model_id if answer.model_id in authors else min(authors)
    return query.scores[author]


def _read_timing(timing: router_pb2.AnswerTiming) -> Timing:
    total_s = seconds(timing.total_duration)
    scorer_s = seconds(timing.scorer_duration)
    judge_s = seconds(timing.judge_duration)
    models_s = seconds(timing.generation_duration) + seconds(timing.aggregation_duration)
    return Timing(
        total_s=total_s,
        scorer_s=scorer_s,
        judge_s=judge_s,
        overhead_s=total_s - scorer_s - judge_s - models_s,
    )
