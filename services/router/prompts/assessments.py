"""Reads the scores that follow a mark, however a model writes them. Pure, linear, never raises.

Models are asked for one JSON object. They also write it in a fence, with single quotes, with comments,
without braces, as a list or as a table. So the text is read as a sequence of keys, numbers and
brackets: a number belongs to the key before it, or to its place in a list of grades.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_CHARACTERS = 4_000
"""Text after a mark that is read; a layer's grades take a tenth of it."""

# One character for one character, so that positions stay: full-width forms to ASCII, quotes to spaces.
_PLAIN = (
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys(map(ord, "\"'`*\\\u2018\u2019\u201c\u201d\u201e«»\u200b\ufeff"), " ")
    | {ord("\u2212"): "-"}
)
_TOKEN = re.compile(
    r"""
    (?P<skip><[/]?[a-z]{1,10}[ ]?[/]?>|&[#]?\w{1,8};)
    |(?P<self>self[\s_-]{0,3}scores?)
    |(?P<label>(?<![0-9a-z_])(?:reference|ref|r)[\s_#-]{0,3}r?[\s_]?(?P<number>[0-9]{1,3})(?![0-9a-z_]))
    |(?P<value>[-+]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)(?:e[-+]?[0-9]{1,4})?)
        (?P<unit>\s?(?:%|percent)|\s?/\s?1(?:[.]0*)?(?![0-9.]))?(?P<fraction>\s?/\s?[0-9])?
    |(?P<word>[^\W\d_]\w*)
    |(?P<bracket>[][{}])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_DECIMAL_COMMA = re.compile(r",([0-9]{1,4})(?![0-9])")
_IS_KEY = re.compile(r"\s{0,8}[:=]")
_SCORE_WORDS = frozenset({"score", "value", "probability", "confidence", "rating"})
_COPULAS = frozenset({"is", "of", "equals", "at", "to", "about", "approximately"})
PROTOCOL_WORDS = (
    _SCORE_WORDS
    | frozenset({"self", "self_score", "selfscore", "scores", "grade", "grades", "reference"})
    | frozenset({"references", "assessment", "nonce", "label", "id", "none", "null", "nan", "true"})
    | frozenset({"false", "json", "jsonc", "json5", "yaml", "yml", "text", "txt", "plaintext"})
)
"""Words that may stand in an assessment; any other is prose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The scores in a text."""

    self_score: float | None = None
    grades: Mapping[str, float] = field(default_factory=dict)
    """Valid grades by label."""
    end: int = 0
    """Position after the last score, or after the object."""
    begins_in_prose: bool = False
    """True if a word that belongs to no assessment comes before the first score or bracket."""

    @property
    def has_scores(self) -> bool:
        """True if there is a score or a grade."""
        return self.self_score is not None or bool(self.grades)


def read_assessment(text: str, labels: Sequence[str] = ()) -> Assessment:
    """Returns the scores at the start of a text.

    Args:
        text: The text after a mark.
        labels: The labels of the references in order; a list of as many grades is theirs.
    """
    scan = _Scan(text[:MAX_CHARACTERS].translate(_PLAIN))
    for token in _TOKEN.finditer(scan.text):
        scan.take(token)
        if scan.is_over:
            break
    grades = scan.grades
    if not grades and len(scan.listed) == len(labels):
        pairs = zip(labels, scan.listed, strict=True)
        grades = {label: grade for label, grade in pairs if grade is not None}
    return Assessment(
        self_score=scan.bare if scan.self_score is None else scan.self_score,
        grades=grades,
        end=len(scan.text) if scan.containers and not scan.is_over else scan.end,
        begins_in_prose=scan.begins_in_prose,
    )


@dataclass(slots=True, kw_only=True)
class _Container:
    """An open bracket."""

    bracket: str
    key: str | None
    """The key that it is the value of."""
    label: str | None = None
    """The label that an object names as one of its values."""

    @property
    def owner(self) -> str | None:
        """The key or label that the scores in it belong to."""
        is_owner = self.key == "self" or (self.key is not None and self.key.startswith("R"))
        return self.label or (self.key if is_owner else None)


class _Scan:
    """The scores so far, and the place in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.self_score: float | None = None
        self.bare: float | None = None
        """A score without a key that says of what."""
        self.grades: dict[str, float] = {}
        self.listed: list[float | None] = []
        self.containers: list[_Container] = []
        self.end = 0
        self.begins_in_prose = False
        self.is_over = False
        self._key: str | None = None
        self._has_keys = False

    def take(self, token: re.Match[str]) -> None:
        """Adds one token."""
        kind = token.lastgroup
        if token["bracket"]:
            self._bracket(token)
        elif token["self"]:
            self._set_key("self")
        elif token["label"]:
            self._label(f"R{int(token['number'])}", token.end())
        elif token["word"]:
            self._word(token["word"].lower())
        elif kind != "skip":
            self._number(token)

    def _set_key(self, key: str | None) -> None:
        self._key = key
        self._has_keys = True

    def _label(self, label: str, end: int) -> None:
        self._set_key(label)
        if self.containers and not _IS_KEY.match(self.text, end):
            self.containers[-1].label = label

    def _word(self, word: str) -> None:
        if word in _COPULAS:
            return
        if word.startswith("grade"):
            self._set_key("grades")
        elif word in _SCORE_WORDS:
            self._set_key("score")
        else:
            self._key = None
            if word not in PROTOCOL_WORDS:
                self._prose()

    def _prose(self) -> None:
        if self.containers:
            return
        if self._found:
            self.is_over = True
        else:
            self.begins_in_prose = True

    def _bracket(self, token: re.Match[str]) -> None:
        bracket = token["bracket"]
        if bracket in "{[":
            self.containers.append(_Container(bracket=bracket, key=self._key))
            self._key = None
        elif self.containers:
            self.containers.pop()
            self._key = None
            if not self.containers:
                self.end = token.end()
                self.is_over = True

    def _number(self, token: re.Match[str]) -> None:
        score, end = self._score(token)
        key, self._key = self._key, None
        container = self.containers[-1] if self.containers else None
        owner = container.owner if container else None
        if key is None and container is not None and container.bracket == "[":
            if container.key == "grades":
                self.listed.append(score)
            return
        if score is None:
            return
        if key == "self" and owner in {None, "self"}:
            self.self_score = score if self.self_score is None else self.self_score
        elif key is not None and key.startswith("R"):
            self.grades.setdefault(key, score)
        elif key is not None and owner == "self":
            self.self_score = score if self.self_score is None else self.self_score
        elif key is not None and owner is not None:
            self.grades.setdefault(owner, score)
        elif key == "score" or not (self._has_keys or self.begins_in_prose):
            self.bare = score if self.bare is None else self.bare
        else:
            return
        self.end = end

    def _score(self, token: re.Match[str]) -> tuple[float | None, int]:
        """Returns a number's value as a score, None if it is none, and the number's end."""
        digits, end = token["value"], token.end()
        in_list = bool(self.containers) and self.containers[-1].bracket == "["
        comma = _DECIMAL_COMMA.match(self.text, end)
        if digits == "0" and comma and not in_list:
            digits, end = f"0.{comma[1]}", comma.end()
        if token["fraction"]:
            return None, end
        value = float(digits)
        if token["unit"] and "/" not in token["unit"]:
            value /= 100
        return (value if 0 <= value <= 1 and math.isfinite(value) else None), end

    @property
    def _found(self) -> bool:
        return (
            bool(self.grades or self.listed) or self.self_score is not None or self.bare is not None
        )
