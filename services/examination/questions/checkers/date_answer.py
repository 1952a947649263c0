"""Marks a date of the form 2031-12-24."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.examination.questions.checkers.checker import RIGHT, Reply, Verdict, wrong
from services.examination.questions.checkers.final_answer import final_answer

_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")


@dataclass(frozen=True, slots=True)
class DateAnswer:
    """Expects one date, which may stand in a sentence."""

    expected: str

    def check(self, reply: Reply) -> Verdict:
        """Marks the final answer of a reply."""
        found = set(_DATE.findall(final_answer(reply.text)))
        if found == {self.expected}:
            return RIGHT
        return wrong("several dates" if len(found) > 1 else "another date or none")
