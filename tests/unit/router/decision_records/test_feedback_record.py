from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from services.router.decision_records.feedback_record import (
    FeedbackRecord,
    FeedbackSource,
    feedback_line,
    newest_feedback,
)

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def record(
    feedback_id: str,
    score: float | None = 1.0,
    *,
    source: FeedbackSource = FeedbackSource.USER,
    decision_id: str = "d",
    after_s: float = 0,
) -> FeedbackRecord:
    return FeedbackRecord(
        feedback_id=feedback_id,
        decision_id=decision_id,
        time=NOW + timedelta(seconds=after_s),
        source=source,
        score=score,
    )


def test_a_line_has_every_field() -> None:
    line = feedback_line(record("f", 0.25))
    assert json.loads(line.json) == {
        "schema_version": 1,
        "feedback_id": "f",
        "decision_id": "d",
        "time": "2026-12-01T00:00:00Z",
        "tenant": None,
        "source": "user",
        "score": 0.25,
        "preferred_model_id": None,
        "better_answer": None,
    }
    assert FeedbackRecord.model_validate_json(line.json) == record("f", 0.25)


def test_a_score_outside_of_its_range_is_no_feedback() -> None:
    with pytest.raises(ValidationError):
        record("f", 1.5)


def test_of_each_source_the_newest_feedback_on_a_decision_counts() -> None:
    found = newest_feedback(
        [
            record("b", 0.0, after_s=2),
            record("a", 1.0, after_s=1),
            record("c", 1.0, source=FeedbackSource.CHECKER),
            record("d", 0.5, decision_id="other"),
        ]
    )
    assert [(item.decision_id, item.source, item.score) for item in found] == [
        ("d", "checker", 1.0),
        ("other", "user", 0.5),
        ("d", "user", 0.0),
    ]


def test_a_call_that_was_repeated_later_does_not_count_as_newer() -> None:
    repeated = [record("a", 1.0), record("b", 0.0, after_s=1), record("a", 1.0, after_s=2)]
    assert [item.feedback_id for item in newest_feedback(repeated)] == ["b"]
