"""Marks a name, a word or a short text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from services.examination.questions.checkers.checker import RIGHT, Reply, Verdict, wrong
from services.examination.questions.checkers.final_answer import bold_parts, final_answer, plain

_NEGATION = re.compile(r"\b(?:not|never|nicht|nie|kein\w*|pas|jamais|no|nunca)\b", re.IGNORECASE)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """Expects one text; letter case does not count."""

    expected: str
    rivals: tuple[str, ...] = ()
    """Other answers that seem possible. A sentence is right if it names no one of them."""

    def check(self, reply: Reply) -> Verdict:
        """Marks the final answer of a reply."""
        answer = final_answer(reply.text)
        if _folded(plain(answer)) == _folded(self.expected):
            return RIGHT
        if not self.rivals:
            return wrong("another text" if answer else "no answer")
        named = self._named(answer)
        if len(named) > 1:
            named = self._named(" ".join(bold_parts(answer)))
        if named != {self.expected}:
            return wrong("several answers" if len(named) > 1 else "another answer")
        return wrong("the answer is negated") if _NEGATION.search(answer) else RIGHT

    def _named(self, text: str) -> set[str]:
        """Returns the possible answers that a text names."""
        words = _words(text)
        return {each for each in (self.expected, *self.rivals) if _words(each) in words}


def _words(text: str) -> str:
    """Returns the words of a text, each between spaces."""
    return f" {' '.join(_WORD.findall(_folded(text)))} "


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()
