"""What one decision record holds. It is JSON; `docs/decision-records.schema.json` is its schema.

Fields may be added under the same version; one that changes its meaning, or goes, is a new version.
Names of statuses, purposes and reasons are those of the contract's enums, without their prefix.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Score = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Part(BaseModel):
    """A part of a record: frozen, and unknown fields of newer routers are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Outcome(enum.StrEnum):
    """How the whole call ended."""

    ANSWERED = "answered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class QueryNote(Part):
    """What is kept of the query. Its text is not, unless the operator asks for it."""

    keyed_hash: str | None = Field(
        default=None,
        description="HMAC-SHA256 of the query with the operator's key; absent without a key.",
    )
    character_count: Count
    estimated_token_count: Count = Field(description="Of the whole conversation.")
    message_count: Count
    text: str | None = Field(default=None, description="Only with `decision_log_text`.")


class RankedNote(Part):
    """A model's place in a layer's ranking, with what was known of it then."""

    model_id: str
    score: Score = Field(description="The posterior where there is one, else the prior.")
    prior_score: Score
    utility: float
    expected_completion_tokens: Count
    expected_cost_usd: Amount
    worst_cost_usd: Amount
    worst_tokens: Count
    expected_latency_s: Amount
    reason: str | None = Field(
        default=None, description="Why the model runs or does not; absent if left out unsaid."
    )


class AnswerNote(Part):
    """What a model of a layer said of its own answer and of those before it."""

    model_id: str
    self_score: Score | None = None
    grades: dict[str, Score] = Field(default_factory=dict)
    text: str | None = Field(default=None, description="Only with `decision_log_text`.")


class AssessmentNote(Part):
    """The judge's view of a model after a layer."""

    model_id: str
    posterior_score: Score
    self_score: Score | None = None
    cross_score: Score | None = None


class LayerNote(Part):
    """One layer: what was known, what was chosen, what came of it."""

    layer_number: int = Field(ge=1)
    ranking: tuple[RankedNote, ...] = Field(description="Best first.")
    selected_model_ids: tuple[str, ...] = Field(description="Best first.")
    answers: tuple[AnswerNote, ...] = ()
    assessments: tuple[AssessmentNote, ...] = ()
    duration_s: Amount | None = Field(
        default=None, description="Absent if the layer was cut off before its end."
    )


class AttemptNote(Part):
    """One line of the ledger."""

    model_id: str
    purpose: str
    attempt_kind: str = Field(default="FIRST", description="Why the attempt was made.")
    status: str
    layer_number: int
    prompt_tokens: Count
    completion_tokens: Count
    cached_prompt_tokens: Count = Field(
        default=0, description="Of the tokens read, those that the backend had in its cache."
    )
    reasoning_tokens: Count = Field(
        default=0, description="Of the tokens written, those of reasoning."
    )
    cost_usd: Amount
    estimated: bool = Field(description="Whether the token counts are the router's own estimate.")
    duration_s: Amount
    time_to_first_token_s: Amount | None = None
    price_version: str = ""


class FallbackNote(Part):
    """The documented substitute for a dependency that failed."""

    dependency: str
    status: str
    substitute: str


class TotalsNote(Part):
    """The ledger's sums."""

    attempt_count: Count
    prompt_tokens: Count
    completion_tokens: Count
    cost_usd: Amount


class TimingNote(Part):
    """Where the time went, in seconds."""

    total_s: Amount
    scorer_s: Amount
    generation_s: Amount
    judge_s: Amount
    aggregation_s: Amount
    first_delta_s: Amount | None = None


class DecisionRecord(Part):
    """One answer, or why there is none."""

    schema_version: Literal[1] = 1
    id: str = Field(description="Also in the response, as `decision_id`.")
    time: datetime = Field(description="When the call began, in UTC.")
    outcome: Outcome
    error_reason: str | None = Field(
        default=None, description="The `ErrorReason` of a failed call; absent for other causes."
    )
    tenant: str | None = Field(default=None, description="Absent where there are no tenants.")
    strategy: str
    policy: dict[str, JsonValue] = Field(description="Weights and limits, defaults filled in.")
    config_version: str = Field(description="Changes with any setting of the service.")
    pool_version: str = Field(description="Changes with any change of the pool file.")
    scorer_version: str | None = Field(
        default=None,
        description="The artifact that ranked; absent if it was not asked or was down.",
    )
    uncertainty: Score | None = Field(
        default=None, description="How little the first ranking was to be relied on."
    )
    query: QueryNote
    prior_scores: dict[str, Score]
    team_model_ids: tuple[str, ...] = Field(
        description="Models that complement one another, as the scorer says."
    )
    safe_model_ids: tuple[str, ...] = Field(description="The pool's, for uncertain queries.")
    posterior_scores: dict[str, Score] = Field(description="The newest, of models that answered.")
    layers: tuple[LayerNote, ...]
    stop_reason: str | None = None
    final_model_id: str | None = None
    final_text: str | None = Field(default=None, description="Only with `decision_log_text`.")
    fallbacks: tuple[FallbackNote, ...] = ()
    attempts: tuple[AttemptNote, ...] = Field(description="The ledger, in the order of booking.")
    totals: TotalsNote
    timing: TimingNote
