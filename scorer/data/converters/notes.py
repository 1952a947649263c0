"""Collects what a converter did with the sources: its choices, and the rows that it left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Notes:
    """The choices, omissions and contradictions of one conversion."""

    choices: list[str] = field(default_factory=list)
    """Choices that the sources or the options led to, such as the range of the scores."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Numbers of rows that are no record, by reason."""
    repeated: int = 0
    """Number of scores that came again for the same query and model."""
    contradictions: Counter[str] = field(default_factory=Counter)
    """Numbers of queries with scores that differ, by model."""
    replaced_ids: int = 0
    """Number of ids that stood for several queries."""

    def choose(self, choice: str) -> None:
        """Adds a choice; the same one is kept once."""
        if choice not in self.choices:
            self.choices.append(choice)
