from __future__ import annotations

import math
from typing import Any

import pytest

from routemoa.errors import InvalidFieldError
from routemoa.v1 import router_service_pb2 as pb
from services.router.contract.feedback import read_feedback
from services.router.decision_records.feedback_record import FeedbackSource
from services.router.feedback.evidence import Evidence
from services.router.pool.pool import Pool
from tests.unit.router.pool_models import model

POOL = Pool.model_construct(models=(model(1000),), safe_models=())
SCORED: dict[str, Any] = {
    "decision_id": "d",
    "feedback_id": "f",
    "source": pb.FEEDBACK_SOURCE_OPERATOR,
    "score": 0.0,
}


def problems_of(**fields: Any) -> list[str]:
    with pytest.raises(InvalidFieldError) as raised:
        read_feedback(pb.RecordFeedbackRequest(**fields), POOL)
    return [violation.field for violation in raised.value.violations]


def test_all_fields_are_read_and_a_score_of_zero_is_a_score() -> None:
    whole = SCORED | {"preferred_model_id": "m", "better_answer": "Eight."}
    assert read_feedback(pb.RecordFeedbackRequest(**whole), POOL) == Evidence(
        decision_id="d",
        feedback_id="f",
        source=FeedbackSource.OPERATOR,
        score=0.0,
        preferred_model_id="m",
        better_answer="Eight.",
    )


@pytest.mark.parametrize("field", ["preferred_model_id", "better_answer"])
def test_one_of_the_three_is_enough(field: str) -> None:
    fields = {**SCORED, "score": None, field: "m"}
    evidence = read_feedback(pb.RecordFeedbackRequest(**fields), POOL)
    assert evidence.score is None
    assert getattr(evidence, field) == "m"


def test_everything_that_is_wrong_comes_at_once() -> None:
    assert problems_of() == ["decision_id", "feedback_id", "source", "score"]
    found = problems_of(
        decision_id="d" * 129,
        feedback_id="f f",
        source=99,
        score=1.5,
        preferred_model_id="nobody",
        better_answer="x" * 32_769,
    )
    assert found == [
        "decision_id",
        "feedback_id",
        "source",
        "score",
        "preferred_model_id",
        "better_answer",
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("score", math.nan),
        ("score", -0.1),
        ("score", math.inf),
        ("feedback_id", "ü"),
        ("feedback_id", "a\n"),
        ("better_answer", "a\0b"),
    ],
)
def test_what_no_store_could_hold_is_refused(field: str, value: Any) -> None:
    assert problems_of(**{**SCORED, field: value}) == [field]
