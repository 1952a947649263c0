"""Reads feedback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.v1 import router_service_pb2 as pb
from services.router.decision_records.feedback_record import FeedbackSource
from services.router.feedback.evidence import Evidence
from services.rpc.validation import Violations

if TYPE_CHECKING:
    from services.router.pool.pool import Pool

_MAX_ID_CHARACTERS = 128
MAX_BETTER_ANSWER_CHARACTERS = 32_768
_SOURCES = {
    pb.FEEDBACK_SOURCE_USER: FeedbackSource.USER,
    pb.FEEDBACK_SOURCE_CHECKER: FeedbackSource.CHECKER,
    pb.FEEDBACK_SOURCE_OPERATOR: FeedbackSource.OPERATOR,
}


def read_feedback(request: pb.RecordFeedbackRequest, pool: Pool) -> Evidence:
    """Returns what a request says of an answer.

    Raises:
        InvalidFieldError: Fields are invalid; the error names them all.
    """
    violations = Violations()
    _check_id("decision_id", request.decision_id, violations)
    _check_id("feedback_id", request.feedback_id, violations)
    source = _SOURCES.get(request.source)
    if source is None:
        violations.add("source", f"must be a known source, is {request.source}")
    score = request.score if request.HasField("score") else None
    if score is not None:
        violations.within("score", score, 0, 1)
    if request.preferred_model_id and request.preferred_model_id not in pool.by_id:
        violations.add("preferred_model_id", "is not in the pool")
    _check_text("better_answer", request.better_answer, violations)
    if score is None and not request.preferred_model_id and not request.better_answer:
        violations.add("score", "must be set, or preferred_model_id, or better_answer")
    violations.raise_if_any()
    return Evidence(
        decision_id=request.decision_id,
        feedback_id=request.feedback_id,
        source=source or FeedbackSource.USER,
        score=score,
        preferred_model_id=request.preferred_model_id or None,
        better_answer=request.better_answer or None,
    )


def _check_id(field: str, value: str, violations: Violations) -> None:
    visible = all("!" <= character <= "~" for character in value[:_MAX_ID_CHARACTERS])
    if not 1 <= len(value) <= _MAX_ID_CHARACTERS or not visible:
        violations.add(field, f"must be 1 to {_MAX_ID_CHARACTERS} visible ASCII characters")


def _check_text(field: str, text: str, violations: Violations) -> None:
    if len(text) > MAX_BETTER_ANSWER_CHARACTERS:
        most = MAX_BETTER_ANSWER_CHARACTERS
        violations.add(field, f"must have at most {most:,} characters, has {len(text):,}")
    if "\0" in text:
        violations.add(field, "must not hold U+0000")
