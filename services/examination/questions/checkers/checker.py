"""A reply of a model, and the interface of the checkers that mark it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asks for."""

    name: str
    arguments: str
    """JSON, as the model wrote it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's reply to a question."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The mark of a reply."""

    score: float
    """From 0, wrong, to 1, right."""
    reason: str


RIGHT = Verdict(1.0, "right")


def wrong(reason: str) -> Verdict:
    """Returns a score of 0 with its reason."""
    return Verdict(0.0, reason)


class Checker(Protocol):
    """Marks replies to one question; the same reply always gets the same verdict."""

    def check(self, reply: Reply) -> Verdict:
        """Marks a reply."""
        ...
