"""Marks a list of words, in brackets and quotation marks or without."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.examination.questions.checkers.checker import RIGHT, Reply, Verdict, wrong
from services.examination.questions.checkers.final_answer import final_answer, plain

_SEPARATOR = re.compile("[,;]| (?:and|und|et|y) ")


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """Expects these items, in this order."""

    expected: tuple[str, ...]

    def check(self, reply: Reply) -> Verdict:
        """Marks the final answer of a reply."""
        answer = " ".join(plain(final_answer(reply.text)).strip("[](){}").split())
        items = tuple(plain(item) for item in _SEPARATOR.split(answer) if item.strip())
        if items == self.expected:
            return RIGHT
        if sorted(items) == sorted(self.expected):
            return wrong("another order")
        return wrong("other items")
