"""Decision records that the tests of the replay share."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from services.replay.policies import policy_of
from services.router.decision_records.record import (
    AssessmentNote,
    AttemptNote,
    DecisionRecord,
    LayerNote,
    Outcome,
    QueryNote,
    RankedNote,
    TimingNote,
    TotalsNote,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

POLICY: dict[str, Any] = asdict(policy_of({}, {})) | {"model_ids": []}
"""What a router with default settings writes down."""


def note(
    model_id: str, score: float, *, cost_usd: float = 0.0, latency_s: float = 0.0
) -> RankedNote:
    return RankedNote(
        model_id=model_id,
        score=score,
        prior_score=score,
        utility=score,
        expected_completion_tokens=100,
        expected_cost_usd=cost_usd,
        worst_cost_usd=2 * cost_usd,
        worst_tokens=1_000,
        expected_latency_s=latency_s,
    )


def attempt(model_id: str, status: str = "OK", *, cost_usd: float = 0.5) -> AttemptNote:
    return AttemptNote(
        model_id=model_id,
        purpose="ANSWER",
        status=status,
        layer_number=1,
        prompt_tokens=10,
        completion_tokens=20,
        cost_usd=cost_usd,
        estimated=False,
        duration_s=1.5,
    )


def record(
    ranking: Sequence[RankedNote],
    selected: Sequence[str],
    posteriors: Mapping[str, float] | None = None,
    **fields: Any,
) -> DecisionRecord:
    layer = LayerNote(
        layer_number=1,
        ranking=tuple(ranking),
        selected_model_ids=tuple(selected),
        assessments=tuple(
            AssessmentNote(model_id=model_id, posterior_score=score, self_score=0.5)
            for model_id, score in (posteriors or {}).items()
        ),
    )
    values: dict[str, Any] = {
        "id": "1",
        "time": datetime(2026, 5, 1, tzinfo=UTC),
        "outcome": Outcome.ANSWERED,
        "strategy": "routemoa",
        "policy": POLICY,
        "config_version": "c",
        "pool_version": "p",
        "query": QueryNote(character_count=4, estimated_token_count=9, message_count=1),
        "prior_scores": {item.model_id: item.score for item in ranking},
        "team_model_ids": (),
        "safe_model_ids": (),
        "posterior_scores": dict(posteriors or {}),
        "layers": (layer,),
        "attempts": tuple(attempt(model_id) for model_id in selected),
        "totals": TotalsNote(attempt_count=0, prompt_tokens=0, completion_tokens=0, cost_usd=0),
        "timing": TimingNote(total_s=1, scorer_s=0, generation_s=1, judge_s=0, aggregation_s=0),
    }
    return DecisionRecord(**(values | fields))
