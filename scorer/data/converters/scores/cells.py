"""Reads one cell that should hold a score.

``"👍" -> word 1.0``, ``"4,5" -> number 4.5``, ``"85 %" -> fraction 0.85``, ``"n/a" -> None``
"""

from __future__ import annotations

import enum
import math
import re
from dataclasses import dataclass
from functools import lru_cache

MAX_CHARACTERS = 40
"""Longer cells are text, never scores."""

_GOOD = (
    "👍 ✅ ✔ ☑ ❤ 😀 🙂 :+1: up thumbsup thumbup true yes y t correct right pass passed success"
    " succeeded good like liked accept accepted positive helpful"
)
_BAD = (
    "👎 ❌ ✗ ✘ ☒ 😞 🙁 :-1: down thumbsdown thumbdown false no n f incorrect wrong fail failed"
    " failure bad dislike disliked reject rejected negative unhelpful"
)
_BETWEEN = "partial partlycorrect partiallycorrect neutral mixed tie 😐"
_WORDS = (
    dict.fromkeys(_GOOD.split(), 1.0)
    | dict.fromkeys(_BAD.split(), 0.0)
    | dict.fromkeys(_BETWEEN.split(), 0.5)
)
_NO_LABEL = frozenset(
    ("", "nan", "null", "none", "nil", "na", "n/a", "#n/a", "<na>", "-", "--", "?", "unknown")
)
_VARIANTS = {ord("\ufe0f"): None, ord("\u2212"): "-"} | dict.fromkeys(range(0x1F3FB, 0x1F400))
"""Emoji have a variant, skin tones too; the minus of typography is a minus."""

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?")
_STARS = re.compile("([★⭐]+)([☆✩]*)")


class Kind(enum.Enum):
    """The kinds of score."""

    WORD = "words"
    """A word or sign with a meaning of its own, such as yes."""
    FRACTION = "fractions"
    """A part of a whole that stands beside it: 85 %, 17/20."""
    NUMBER = "numbers"
    STARS = "stars"
    """A number of stars, of five."""


NUMERIC = frozenset((Kind.NUMBER, Kind.STARS))
"""Kinds whose values depend on the range."""


@dataclass(frozen=True, slots=True)
class Score:
    """A score as it stands in a cell; words and fractions are in [0, 1] already."""

    kind: Kind
    value: float


class NotAScoreError(ValueError):
    """Raised for a cell that is no score; the message shows its beginning."""


def read_cell(cell: object) -> Score | None:
    """Returns the score in a cell, or None where the cell says that there is none.

    Raises:
        NotAScoreError: The cell is something else.
    """
    if isinstance(cell, str):
        if len(cell) > MAX_CHARACTERS and len(cell.strip()) > MAX_CHARACTERS:
            raise NotAScoreError(shown(cell))
        return _read_text(cell)
    if cell is None:
        return None
    if isinstance(cell, bool):
        return Score(Kind.WORD, float(cell))
    if isinstance(cell, int | float):
        return _read_number(cell)
    raise NotAScoreError(shown(cell))


def shown(cell: object) -> str:
    """Returns the beginning of a cell for a message."""
    text = " ".join(repr(cell[:100] if isinstance(cell, str) else cell).split())
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}..."


def plain_word(text: str) -> str:
    """Returns a word as words are compared: no letter case, spaces, dashes or skin tones."""
    return "".join(text.translate(_VARIANTS).casefold().replace("_", " ").split())


def _read_number(value: float) -> Score | None:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isnan(number):
        return None
    if math.isinf(number):
        raise NotAScoreError(shown(value))
    return Score(Kind.NUMBER, number)


@lru_cache(maxsize=8192)
def _read_text(text: str) -> Score | None:
    word = plain_word(text)
    if word in _NO_LABEL:
        return None
    value = _WORDS.get(word, _WORDS.get(word.replace("-", "")))
    if value is not None:
        return Score(Kind.WORD, value)
    found = _read_fraction(word) or _read_stars(word)
    if found:
        return found
    number = _number_in(word)
    if number is None:
        raise NotAScoreError(shown(text))
    return Score(Kind.NUMBER, number)


def _read_fraction(word: str) -> Score | None:
    if word.endswith("%"):
        part, whole = _number_in(word[:-1]), 100.0
    else:
        before, slash, after = word.partition("/")
        part, whole = _number_in(before), (_number_in(after) or 0.0) if slash else 0.0
    if part is None or whole <= 0:
        return None
    if not 0 <= part <= whole:
        raise NotAScoreError(shown(word))
    return Score(Kind.FRACTION, part / whole)


def _read_stars(word: str) -> Score | None:
    match = _STARS.fullmatch(word)
    if match:
        if match[2] and len(match[0]) != 5:
            return Score(Kind.FRACTION, len(match[1]) / len(match[0]))
        return Score(Kind.STARS, float(len(match[1])))
    for ending in ("stars", "star"):
        number = _number_in(word.removesuffix(ending))
        if word.endswith(ending) and number is not None:
            return Score(Kind.STARS, number)
    return None


def _number_in(word: str) -> float | None:
    """Returns a number; a comma is its decimal point."""
    if not _NUMBER.fullmatch(word) or not word.isascii():
        return None
    value = float(word.replace(",", "."))
    return value if math.isfinite(value) else None
