"""Marks a number: with any thousands separator, decimal point or comma, and unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from services.examination.questions.checkers.checker import RIGHT, Reply, Verdict, wrong
from services.examination.questions.checkers.final_answer import bold_parts, final_answer

if TYPE_CHECKING:
    from services.examination.questions.vocabulary import Language

_MAX_DIGITS = 40
_LATEX = ((r"\,", ""), ("{,}", ","), (r"\%", "%"), ("−", "-"), ("–", "-"))
_FRACTION = re.compile(r"\\[dt]?frac\{(-?\d+)\}\{(\d+)\}")
_POWER = re.compile(r"\^\{?\d+\}?")
_NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:\$|€)?\s?"
    r"(?P<digits>\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)*)"
    r"(?:/(?P<divisor>\d+))?"
)
_SPACES = re.compile(r"[ \u00a0\u202f'’]")
_GROUPED = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_EQUALS = re.compile(r"[=≈]")


@dataclass(frozen=True, slots=True)
class NumberAnswer:
    """Expects one number as the final answer."""

    expected: Fraction
    language: Language

    def check(self, reply: Reply) -> Verdict:
        """Marks the final answer of a reply."""
        answer = _EQUALS.split(final_answer(reply.text))[-1]
        found = numbers(answer, self.language)
        if len(set(found)) > 1:
            found = [each for part in bold_parts(answer) for each in numbers(part, self.language)]
        if not found:
            return wrong("the final answer is not one number")
        if len(set(found)) > 1:
            return wrong("the final answer names several numbers")
        if self.expected not in found[0]:
            return wrong("another number")
        return RIGHT


def numbers(text: str, language: Language) -> list[frozenset[Fraction]]:
    """Returns the numbers of a text, each with all its readings: `1.234` has two in German."""
    for mark, plain in _LATEX:
        text = text.replace(mark, plain)
    text = _POWER.sub("", _FRACTION.sub(r"\1/\2", text))
    return [readings(match, language) for match in _NUMBER.finditer(text)]


def readings(match: re.Match[str], language: Language) -> frozenset[Fraction]:
    """Returns the values that a written number can have."""
    digits = _SPACES.sub("", match["digits"])
    divisor = int((match["divisor"] or "1")[:_MAX_DIGITS])
    if len(digits) > _MAX_DIGITS or divisor == 0:
        return frozenset()
    signs = {-1} if match[0].startswith("-") else {1}
    if match[0].startswith("- "):  # a minus or the mark of an item
        signs = {-1, 1}
    forms = _forms(digits, language)
    return frozenset(sign * Fraction(form) / divisor for form in forms for sign in signs)


def _forms(digits: str, language: Language) -> set[str]:
    """Returns a number as Python writes it, for each meaning of its separators."""
    separators = [character for character in digits if character in ".,"]
    if not separators:
        return {digits}
    last = separators[-1]
    whole, _, rest = digits.rpartition(last)
    joined = whole.replace(".", "").replace(",", "")
    if len(set(separators)) > 1:
        return {f"{joined}.{rest}"}
    grouped = _GROUPED.fullmatch(digits) is not None
    forms = {joined + rest} if grouped and not (language == "en" and last == ".") else set()
    if len(separators) == 1 and not (grouped and language == "en" and last == ","):
        forms.add(f"{joined}.{rest}")
    return forms
