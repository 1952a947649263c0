"""A marked answer: its mark, its cost and its form, but not its text."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Form(enum.StrEnum):
    """The form of a reply."""

    WHOLE = "whole"
    EMPTY = "empty"
    REFUSED = "refused"
    """The backend marked it as a refusal."""
    CUT_OFF = "cut off"
    """It has as many tokens as the pool file allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A marked answer of a model to a question."""

    model: str
    question: str
    """The id of the question."""
    kind: str
    level: int
    """From 1."""
    score: float
    """From 0, wrong, to 1, right."""
    form: Form
    cost_usd: float
    prompt_tokens: int
    completion_tokens: int
    duration_s: float
    digest: str
    """Identifies the reply's text, without its spaces and letter case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A question that a model gave no answer to, for a reason that is not the question's."""

    model: str
    question: str
    failure: str
    """The status of the call."""
    message: str
    """The backend's own words, on one line."""
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """The end of a model's examination after too many failures."""

    model: str
    given_up: str
    """The reason, for a person."""


Entry = Answer | Failure | GivenUp
"""A line of the file of answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a question."""

    entry: Answer | Failure
    try_again: bool = False
    """True if the backend failed, not the question."""
    retry_after_s: float | None = None
    """Seconds that the backend asks to wait."""
