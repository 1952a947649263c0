"""Reads one line of feedback on a decision."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from scorer.runtime.fields import FieldReader

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA_VERSION = 1


class Source(enum.StrEnum):
    """The giver of feedback."""

    USER = "user"
    CHECKER = "checker"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One opinion of an answer."""

    decision_id: str
    time: datetime
    source: Source
    score: float | None
    """Quality of the final answer, in [0, 1]; None if it was not given."""
    preferred_model_id: str
    """The model whose answer was best; empty if none was named."""
    has_better_answer: bool
    """True if a better answer was given."""


class BadLineError(ValueError):
    """Raised for an object of the wrong form; ``problems`` lists the reasons."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_feedback(document: object) -> Feedback:
    """Reads a line of feedback.

    Raises:
        BadLineError: The document is no feedback, or is of another version.
    """
    reader = FieldReader(document)
    require_version(reader, SCHEMA_VERSION)
    score = reader.optional_number("score")
    if score is not None and not 0 <= score <= 1:
        reader.problems.append(f"score must be in [0, 1], is {score:g}")
    feedback = Feedback(
        decision_id=reader.text("decision_id"),
        time=read_time(reader),
        source=reader.choice("source", Source),
        score=score,
        preferred_model_id=reader.nullable_text("preferred_model_id"),
        has_better_answer=bool(reader.nullable_text("better_answer")),
    )
    if reader.problems:
        raise BadLineError(reader.problems)
    return feedback


def newest(feedback: Iterable[Feedback]) -> dict[str, list[Feedback]]:
    """Returns the newest feedback of each source, by decision."""
    found: dict[tuple[str, Source], Feedback] = {}
    for each in sorted(feedback, key=lambda one: one.time):
        found[each.decision_id, each.source] = each
    by_decision: dict[str, list[Feedback]] = {}
    for each in found.values():
        by_decision.setdefault(each.decision_id, []).append(each)
    return by_decision


def require_version(reader: FieldReader, known: int) -> None:
    """Reads the version of the schema.

    Raises:
        BadLineError: It is not the known one.
    """
    version = reader.integer("schema_version", minimum=1)
    if reader.problems:
        raise BadLineError(reader.problems)
    if version != known:
        raise BadLineError([f"is of version {version}; this reads version {known}"])


def read_time(reader: FieldReader) -> datetime:
    """Returns the time of a line, in UTC; the reader collects the problem of a bad one."""
    text = reader.text("time")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        if text:
            reader.problems.append(f"time is no ISO time: {text[:40]!r}")
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
