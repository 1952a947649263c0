"""Marks a text by the facts in its lines."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.examination.questions.checkers.checker import RIGHT, Reply, Verdict, wrong

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class FactLine:
    """One line of a text."""

    required: tuple[str, ...]
    """Words that it contains."""
    forbidden: tuple[str, ...]
    min_words: int

    def problem(self, line: str) -> str | None:
        """Returns the first thing that is wrong with a line."""
        words = [word.casefold() for word in _WORD.findall(line)]
        missing = [word for word in self.required if word.casefold() not in words]
        if missing:
            return f"{missing[0]} is missing"
        surplus = [word for word in self.forbidden if word.casefold() in words]
        if surplus:
            return f"{surplus[0]} does not belong here"
        if not self.min_words <= len(words) <= 3 * self.min_words:
            return "too short or too long"
        return None


@dataclass(frozen=True, slots=True)
class FactAnswer:
    """Expects as many lines, each with its facts."""

    lines: tuple[FactLine, ...]

    def check(self, reply: Reply) -> Verdict:
        """Marks the last lines of a reply."""
        written = [line for line in reply.text.splitlines() if line.strip(" `*-")]
        if not len(self.lines) <= len(written) <= len(self.lines) + 2:  # an introduction
            return wrong(f"{len(written)} lines instead of {len(self.lines)}")
        for line, text in zip(self.lines, written[-len(self.lines) :], strict=True):
            problem = line.problem(text)
            if problem:
                return wrong(problem)
        return RIGHT
