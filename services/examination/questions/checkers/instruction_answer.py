"""Marks a text by instructions that a program can verify."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from services.examination.questions.checkers.checker import RIGHT, Reply, Verdict, wrong

if TYPE_CHECKING:
    from collections.abc import Callable

Rule = Literal["words", "first", "last", "contains", "without", "lower"]
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Instruction:
    """A rule with its number, word or letter."""

    rule: Rule
    value: str = ""


@dataclass(frozen=True, slots=True)
class InstructionAnswer:
    """Expects one sentence that follows every instruction."""

    instructions: tuple[Instruction, ...]

    def check(self, reply: Reply) -> Verdict:
        """Marks the whole text of a reply."""
        text = reply.text.strip().strip("\"'“”„«»*`").strip()
        if "\n\n" in text:
            return wrong("is not one sentence")
        words = _WORD.findall(text)
        for each in self.instructions:
            if not words or not _RULES[each.rule](text, words, each.value):
                return wrong(f"does not follow: {each.rule} {each.value}".rstrip())
        return RIGHT


def _without(text: str, letter: str) -> bool:
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return letter not in decomposed


_RULES: dict[Rule, Callable[[str, list[str], str], bool]] = {
    "words": lambda _, words, value: len(words) == int(value),
    "first": lambda _, words, value: words[0].casefold() == value.casefold(),
    "last": lambda _, words, value: words[-1].casefold() == value.casefold(),
    "contains": lambda _, words, value: value.casefold() in [word.casefold() for word in words],
    "without": lambda text, _, value: _without(text, value),
    "lower": lambda text, _words, _value: text == text.lower(),
}
