"""A question that marks itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from services.examination.questions.vocabulary import Language

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.examination.questions.checkers.checker import Checker, Reply, Verdict

LEVELS = (0, 1, 2, 3, 4, 5)
"""From one that small models are sometimes right in, to one that large ones are sometimes wrong in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function that the model may call."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """A JSON schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The content of a question."""

    prompt: str
    """The text of the user's message."""
    checker: Checker
    reference: Reply
    """A reply that is right."""
    tools: tuple[Tool, ...] = ()
    schema: Mapping[str, Any] | None = field(default=None)
    """The JSON schema of the answer, for a model that can be held to one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A draft with its origin."""

    id: str
    """The same for the same kind, level, language, seed and index."""
    kind: str
    level: int
    language: Language
    draft: Draft

    @property
    def prompt(self) -> str:
        """The text of the user's message."""
        return self.draft.prompt

    def mark(self, reply: Reply) -> Verdict:
        """Marks a model's reply."""
        return self.draft.checker.check(reply)


Generator = Callable[[Random, int, Language], Draft]
"""Makes a draft of a level in a language from random numbers."""
