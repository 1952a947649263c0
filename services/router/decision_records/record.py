"""The schema of a decision record; `docs/decision-records.schema.json` is its JSON schema.

New fields do not change the version; removed fields and changed meanings do. Statuses, purposes and
reasons have the names of the contract's enums, without their prefix.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Score = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Part(BaseModel):
    """A part of a record: frozen; unknown fields, written by newer routers, are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class AnswerOutcome(enum.StrEnum):
    """The end of the whole call."""

    ANSWERED = "answered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class MediaEntry(Part):
    """An image, a sound or a file of the conversation; never its bytes or its URL."""

    kind: str
    media_type: str = ""
    byte_count: Count | None = Field(default=None, description="Absent behind a URL.")


class QueryEntry(Part):
    """The query: its lengths, and its text only if the operator asks for it."""

    keyed_hash: str | None = Field(
        default=None,
        description="HMAC-SHA256 of the query with the operator's key; absent without a key.",
    )
    character_count: Count
    estimated_token_count: Count = Field(description="Estimate for the whole conversation.")
    message_count: Count
    answers_tool: bool = Field(
        default=False, description="True if the model is to go on from the result of a tool."
    )
    media: tuple[MediaEntry, ...] = Field(default=(), description="Of all messages, in order.")
    needs: tuple[str, ...] = Field(
        default=(), description="Capabilities without which a model was not eligible."
    )
    text: str | None = Field(default=None, description="Only with `records_keep_text`.")


class OptionsEntry(Part):
    """The caller's wishes for the answer, as far as they were set."""

    max_output_tokens: Count | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    reasoning_effort: str | None = None
    json_format: Literal["OBJECT", "SCHEMA"] | None = None
    json_schema: str | None = Field(default=None, description="Only with `records_keep_text`.")
    tool_count: Count = 0
    tool_names: tuple[str, ...] | None = Field(
        default=None, description="Only with `records_keep_text`."
    )
    tool_choice: str | None = None
    parallel_tool_calls: bool | None = None
    top_log_probabilities: Count | None = None


class RankedEntry(Part):
    """A model in a layer's ranking, with its estimates at that time."""

    model_id: str
    score: Score = Field(description="The posterior score if there is one, else the prior score.")
    prior_score: Score
    utility: float
    expected_completion_tokens: Count
    expected_cost_usd: NonNegative
    worst_cost_usd: NonNegative
    worst_tokens: Count
    expected_latency_s: NonNegative
    reason: str | None = Field(
        default=None,
        description="Reason to run it or not; absent if the strategy left it out.",
    )


class ToolCallEntry(Part):
    """A call to a tool that an answer asks for."""

    name: str | None = Field(default=None, description="Only with `records_keep_text`.")
    character_count: Count = Field(description="Of the arguments.")
    arguments_json: str | None = Field(default=None, description="Only with `records_keep_text`.")


class AnswerEntry(Part):
    """The answer of a model in a layer: its self-score and its grades of earlier answers."""

    model_id: str
    self_score: Score | None = None
    grades: dict[str, Score] = Field(default_factory=dict)
    finish_reason: str | None = Field(
        default=None, description="The end of the answer; absent if the backend did not say."
    )
    character_count: Count | None = Field(default=None, description="Of the text.")
    text: str | None = Field(default=None, description="Only with `records_keep_text`.")
    tool_calls: tuple[ToolCallEntry, ...] = ()
    refused: bool = False
    refusal: str | None = Field(default=None, description="Only with `records_keep_text`.")
    agrees: bool | None = Field(
        default=None,
        description="True if it makes the same calls as the final answer, has an equal JSON value or "
        "comes to the same result; absent if they cannot be compared.",
    )


class InvalidAnswerEntry(Part):
    """An answer that breaks the form of the request; its attempt is `MALFORMED`."""

    model_id: str
    problem_count: Count
    problems: tuple[str, ...] | None = Field(
        default=None, description="Only with `records_keep_text`."
    )


class AssessmentEntry(Part):
    """The judge's scores of a model after a layer."""

    model_id: str
    posterior_score: Score
    self_score: Score | None = None
    cross_score: Score | None = None
    answer_score: Score | None = Field(default=None, description="By its text, if it was read.")


class LayerEntry(Part):
    """One layer: the ranking, the models selected, and the results."""

    layer_number: int = Field(ge=1)
    ranking: tuple[RankedEntry, ...] = Field(description="Best first.")
    selected_model_ids: tuple[str, ...] = Field(description="Best first.")
    answers: tuple[AnswerEntry, ...] = ()
    assessments: tuple[AssessmentEntry, ...] = ()
    duration_s: NonNegative | None = Field(
        default=None, description="Absent if the layer did not end."
    )


class AttemptEntry(Part):
    """One entry of the ledger."""

    model_id: str
    purpose: str
    attempt_kind: str = Field(default="FIRST", description="The reason of the attempt.")
    status: str
    layer_number: int
    prompt_tokens: Count
    completion_tokens: Count
    cached_prompt_tokens: Count = Field(
        default=0, description="Prompt tokens that the backend had in its cache."
    )
    reasoning_tokens: Count = Field(
        default=0, description="Completion tokens of the model's reasoning."
    )
    cost_usd: NonNegative
    estimated: bool = Field(description="True if the token counts are the router's own estimate.")
    duration_s: NonNegative
    time_to_first_token_s: NonNegative | None = None
    time_to_start_s: NonNegative | None = Field(
        default=None, description="From the start of the answer; absent in older records."
    )
    price_version: str = ""
    finish_reason: str | None = Field(
        default=None, description="The end of the reply; absent if the backend did not say."
    )
    backend_message: str = Field(
        default="", description="The backend's own words about a failure, on one line."
    )
    capped: bool = Field(
        default=False,
        description="True if the backend reported more than was reserved, so that less was booked.",
    )
    cache_written_prompt_tokens: Count = Field(
        default=0, description="Prompt tokens that the backend wrote to its cache."
    )
    http_status: int | None = Field(
        default=None, description="Of a refusal; absent if there was none."
    )
    replica: Count | None = Field(
        default=None, description="Index of the replica; absent if nothing was sent."
    )


class FallbackEntry(Part):
    """One use of a substitute for a dependency that failed."""

    dependency: str
    status: str
    substitute: str


class TotalsEntry(Part):
    """The sums of the ledger."""

    attempt_count: Count
    prompt_tokens: Count
    completion_tokens: Count
    cost_usd: NonNegative


class TimingEntry(Part):
    """Time per stage, in seconds."""

    total_s: NonNegative
    scorer_s: NonNegative
    generation_s: NonNegative
    judge_s: NonNegative
    aggregation_s: NonNegative
    first_delta_s: NonNegative | None = None


class RolloutEntry(Part):
    """The rollout of a candidate artifact, and the ranking of the artifact that did not rank."""

    rollout_id: str
    from_candidate: bool = Field(description="True if the candidate ranked.")
    candidate_probability: Score = Field(description="Probability to draw the candidate.")
    other_scorer_version: str
    other_prior_scores: dict[str, Score]
    other_uncertainty: Score | None = None
    other_team_model_ids: tuple[str, ...] = ()


class ExplorationEntry(Part):
    """The part of chance in the choice of the first layer."""

    explored: bool = Field(description="True if a model was tried that would not be chosen.")
    propensities: dict[str, Score] = Field(description="Probability to be in the first layer.")


class DecisionRecord(Part):
    """The record of one answer, or of a call without one."""

    schema_version: Literal[1] = 1
    id: str = Field(description="Equal to `decision_id` in the response.")
    time: datetime = Field(description="Start of the call, in UTC.")
    request_id: str | None = Field(
        default=None, description="The call's `x-request-id`; absent in older records."
    )
    trace_id: str | None = Field(
        default=None, description="The call's trace; absent if it was part of none."
    )
    outcome: AnswerOutcome
    error_reason: str | None = Field(default=None, description="Of a failed call, if it has one.")
    tenant: str | None = Field(default=None, description="Absent if there are no tenants.")
    strategy: str
    policy: dict[str, JsonValue] = Field(
        description="Weights and limits, defaults filled in, by the contract's names."
    )
    config_version: str = Field(description="Changes with any setting of the service.")
    pool_version: str = Field(description="Changes with any change of the pool file.")
    scorer_version: str | None = Field(default=None, description="The artifact that ranked.")
    rollout: RolloutEntry | None = Field(default=None, description="Only during a rollout.")
    uncertainty: Score | None = Field(
        default=None, description="Uncertainty of the first ranking; absent if it is unknown."
    )
    query: QueryEntry
    options: OptionsEntry = Field(default_factory=OptionsEntry)
    prior_scores: dict[str, Score]
    team_model_ids: tuple[str, ...] = Field(
        description="Models that complement one another, according to the scorer."
    )
    safe_model_ids: tuple[str, ...] = Field(description="The pool's safe models.")
    posterior_scores: dict[str, Score] = Field(description="The newest, of models that answered.")
    exploration: ExplorationEntry | None = Field(default=None, description="Only if chance chose.")
    layers: tuple[LayerEntry, ...]
    invalid_answers: tuple[InvalidAnswerEntry, ...] = ()
    stop_reason: str | None = None
    final_model_id: str | None = None
    final_text: str | None = Field(default=None, description="Only with `records_keep_text`.")
    final_finish_reason: str | None = None
    final_tool_calls: tuple[ToolCallEntry, ...] = ()
    final_refused: bool = False
    final_refusal: str | None = Field(default=None, description="Only with `records_keep_text`.")
    fallbacks: tuple[FallbackEntry, ...] = ()
    attempts: tuple[AttemptEntry, ...] = Field(description="The ledger, in the order of booking.")
    totals: TotalsEntry
    timing: TimingEntry
