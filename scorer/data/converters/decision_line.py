"""One decision record of the router, as JSON -> what it says of the models that answered.

A model's score is the posterior after the last layer in which it was assessed, or what the others made
of it. Where there is no more than the scorer's own prior, that is no label: an artifact that is trained
on what it said itself learns nothing.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.runtime.fields import FieldReader

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_VERSION = 1


class Label(enum.StrEnum):
    """What counts as a model's score."""

    POSTERIOR = "posterior"
    """The judge's: prior, self and cross score, fused."""
    GRADES = "grades"
    """The median of the grades that other models gave; nothing of the prior is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A model's first call for an answer, if it came whole."""

    cost_usd: float
    prompt_tokens: int
    completion_tokens: int
    latency_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a record says of a query and its models."""

    id: str
    task: str
    query: str
    """Empty where the router kept no text."""
    scores: Mapping[str, float]
    calls: Mapping[str, Call]


class BadDecisionError(ValueError):
    """Raised for an object that is no decision record; ``problems`` lists why."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_decision(document: object, label: Label) -> Decision:
    """Returns what a decision record says.

    Raises:
        BadDecisionError: It is none, or one of another version.
    """
    reader = FieldReader(document)
    version = reader.integer("schema_version", minimum=1)
    if reader.problems:
        raise BadDecisionError(reader.problems)
    if version != SCHEMA_VERSION:
        raise BadDecisionError([f"is of version {version}; this reads version {SCHEMA_VERSION}"])
    decision = Decision(
        id=reader.text("id"),
        task=reader.optional_text("tenant") or "traffic",
        query=reader.inner("query").optional_text("text"),
        scores=_scores(reader, label),
        calls=_calls(reader),
    )
    if reader.problems:
        raise BadDecisionError(reader.problems)
    return decision


def _scores(reader: FieldReader, label: Label) -> dict[str, float]:
    scores: dict[str, float] = {}
    for layer in reader.items("layers"):
        for assessment in layer.items("assessments"):
            model_id = assessment.text("model_id")
            posterior = assessment.number("posterior_score")
            own = assessment.optional_number("self_score")
            grade = assessment.optional_number("cross_score")
            if label is Label.GRADES and grade is not None:
                scores[model_id] = grade
            if label is Label.POSTERIOR and not (own is None and grade is None):
                scores[model_id] = posterior
    return scores


def _calls(reader: FieldReader) -> dict[str, Call]:
    calls: dict[str, Call] = {}
    for attempt in reader.items("attempts"):
        model_id = attempt.text("model_id")
        call = Call(
            cost_usd=attempt.number("cost_usd", minimum=0),
            prompt_tokens=attempt.integer("prompt_tokens", minimum=0),
            completion_tokens=attempt.integer("completion_tokens", minimum=0),
            latency_s=attempt.number("duration_s", minimum=0),
        )
        whole = attempt.text("status") == "OK" and attempt.optional_text("attempt_kind") != "RESUME"
        # The first: later ones read other models' answers as well.
        if attempt.text("purpose") == "ANSWER" and whole:
            calls.setdefault(model_id, call)
    return calls
