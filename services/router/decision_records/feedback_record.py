"""The schema of feedback on a decision, as it is stored beside the decision records.

`docs/feedback.schema.json` is its JSON schema. New fields do not change the version; removed fields and
changed meanings do.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  # pydantic reads the fields' types
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from services.router.decision_records.record import Part, Score

if TYPE_CHECKING:
    from collections.abc import Iterable


class FeedbackSource(enum.StrEnum):
    """The one who gives feedback."""

    USER = "user"
    CHECKER = "checker"
    OPERATOR = "operator"


class FeedbackRecord(Part):
    """One source's feedback on a decision."""

    schema_version: Literal[1] = 1
    feedback_id: str = Field(description="Identifies the feedback among those of its decision.")
    decision_id: str = Field(description="The `id` of the decision record.")
    time: datetime = Field(description="Time of the call, in UTC.")
    tenant: str | None = Field(default=None, description="Null if there are no tenants.")
    source: FeedbackSource
    score: Score | None = Field(default=None, description="Of the final answer.")
    preferred_model_id: str | None = Field(
        default=None, description="The model whose answer in a layer was the best."
    )
    better_answer: str | None = Field(default=None, description="Only with `records_keep_text`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackLine:
    """Feedback ready to be written: one line of JSON, and the columns for tables."""

    decision_id: str
    feedback_id: str
    time: datetime
    tenant: str | None
    source: str
    score: float | None
    preferred_model_id: str | None
    json: bytes
    """UTF-8, without a line end."""


def feedback_line(record: FeedbackRecord) -> FeedbackLine:
    """Returns the line of a record."""
    return FeedbackLine(
        decision_id=record.decision_id,
        feedback_id=record.feedback_id,
        time=record.time,
        tenant=record.tenant,
        source=record.source.value,
        score=record.score,
        preferred_model_id=record.preferred_model_id,
        json=record.model_dump_json().encode(),
    )


def newest_feedback(records: Iterable[FeedbackRecord]) -> list[FeedbackRecord]:
    """Returns the feedback that counts, oldest first: of each source, the newest on a decision.

    A feedback id that comes again is a repeated call; its first record is taken.
    """
    ordered = sorted(records, key=lambda record: (record.time, record.feedback_id))
    first: dict[tuple[str, str], FeedbackRecord] = {}
    for record in ordered:
        first.setdefault((record.decision_id, record.feedback_id), record)
    newest = {(record.decision_id, record.source): record for record in first.values()}
    return sorted(newest.values(), key=lambda record: (record.time, record.feedback_id))
