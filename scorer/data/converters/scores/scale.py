"""Finds the range of a source's scores, and maps it to [0, 1].

``cells of all models -> Scale(low, high) -> (number - low) / (high - low)``

A range is found only where the numbers can hardly have another; else it has to be told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scorer.data.converters.scores.cells import (
    NUMERIC,
    Kind,
    NotAScoreError,
    plain_word,
    read_cell,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

STAR_NAMES = ("star", "rating")
"""A column named so has 1 to 5 stars, even if nobody gave five."""


class UnknownScaleError(ValueError):
    """Raised where the range of the scores is not clear; the message gives what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The worst and the best number, or the value of each word."""

    low: float = 0.0
    high: float = 1.0
    words: Mapping[str, float] = field(default_factory=dict)
    """Values of words that the user told; no other word counts then."""

    def score(self, cell: object) -> float | None:
        """Returns a cell's score in [0, 1], or None if it has none.

        Raises:
            NotAScoreError: The cell is no score of this scale.
        """
        if self.words and isinstance(cell, str):
            value = self.words.get(plain_word(cell))
            if value is not None:
                return value
        found = read_cell(cell)
        if found is None:
            return None
        if found.kind not in NUMERIC and not self.words:
            return found.value
        share = (found.value - self.low) / (self.high - self.low)
        if self.words or not 0 <= share <= 1:
            raise NotAScoreError(f"{shown(cell)}, not of the scale {self}")
        return share

    def __str__(self) -> str:
        if self.words:
            return ", ".join(f"{word} = {value:g}" for word, value in self.words.items())
        return f"{self.low:g} to {self.high:g}"


def told_scale(text: str) -> Scale:
    """Reads a scale as a user tells it: ``1..5``, worst first, or ``bad=0,fair=0.5,good=1``.

    Raises:
        ValueError: The text is neither.
    """
    low, dots, high = text.partition("..")
    if dots:
        worst, best = float(low), float(high)
        if worst == best or not (math.isfinite(worst) and math.isfinite(best)):
            raise ValueError(text)
        return Scale(low=worst, high=best)
    words: dict[str, float] = {}
    for pair in text.split(","):
        word, _, value = pair.rpartition("=")
        words[plain_word(word)] = float(value)
    if "" in words or not all(0 <= value <= 1 for value in words.values()):
        raise ValueError(text)
    return Scale(words=words)


@dataclass(slots=True)
class Found:
    """The scores found in one column, or of one model."""

    kinds: set[Kind] = field(default_factory=set)
    scores: int = 0
    others: int = 0
    """Cells that are neither a score nor empty."""
    example: str = ""
    """The first of them."""
    low: float = math.inf
    high: float = -math.inf
    whole: bool = True
    """True if every number is a whole one."""
    is_read: bool = True
    """False if the cells do not matter."""

    def add(self, cell: object, words: Collection[str] = ()) -> None:
        """Adds a cell; ``words`` are scores that a user told."""
        if words and isinstance(cell, str) and plain_word(cell) in words:
            self.scores += 1
            self.kinds.add(Kind.WORD)
            return
        try:
            found = read_cell(cell)
        except NotAScoreError as error:
            self.others += 1
            self.example = self.example or str(error)
            return
        if found is None:
            return
        self.scores += 1
        self.kinds.add(found.kind)
        if found.kind in NUMERIC:
            self.low = min(self.low, found.value)
            self.high = max(self.high, found.value)
            self.whole = self.whole and found.value.is_integer()

    def join(self, other: Found) -> None:
        """Adds the cells of another column."""
        self.kinds |= other.kinds
        self.scores += other.scores
        self.others += other.others
        self.example = self.example or other.example
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.whole = self.whole and other.whole

    @property
    def is_text(self) -> bool:
        """True if most cells are no scores."""
        return self.others > self.scores

    def __str__(self) -> str:
        numbers = [f"{self.low:g} to {self.high:g}"] if self.kinds & NUMERIC else []
        return " and ".join(numbers + sorted(kind.value for kind in self.kinds - NUMERIC))


def scale_of(columns: Mapping[str, Found]) -> Scale:
    """Returns the scale that all columns share.

    Raises:
        UnknownScaleError: The columns differ, mix kinds, or have numbers of an unknown range.
    """
    kinds = {kind for found in columns.values() for kind in found.kinds}
    if not kinds & NUMERIC:
        return Scale()
    low = min(found.low for found in columns.values())
    high = max(found.high for found in columns.values())
    whole = all(found.whole for found in columns.values())
    stars = Kind.STARS in kinds or any(
        name in column.casefold() for column in columns for name in STAR_NAMES
    )
    ends = _range(low, high, whole=whole, stars=stars)
    if kinds & {Kind.WORD, Kind.FRACTION} and ends != (0, 1):
        mixed = " and ".join(sorted(kind.value for kind in kinds))
        raise UnknownScaleError(f"the scores are {mixed} ({_each(columns)})")
    if ends is None:
        listed = f"{low:g} to {high:g}" + (f" ({_each(columns)})" if len(columns) > 1 else "")
        raise UnknownScaleError(f"the scores are {listed}, which can be parts of several ranges")
    if Kind.FRACTION in kinds:
        raise UnknownScaleError("some scores are fractions or percentages, others plain numbers")
    _check_alike(columns, ends)
    return Scale(low=ends[0], high=ends[1])


def _range(low: float, high: float, *, whole: bool, stars: bool) -> tuple[float, float] | None:
    """Returns the range that numbers from ``low`` to ``high`` are of, if it is clear."""
    if stars and low >= 1 and high <= 5:
        return 1, 5
    if low >= -1 and high <= 1:
        return (0, 1) if low >= 0 else (-1, 1)
    if high == 5 and low >= 0 and (whole or low >= 1):
        return (1, 5) if low >= 1 else (0, 5)
    if high > 7 and low >= 0 and high <= 100:
        return (0, 10) if high <= 10 else (0, 100)
    return None


def _check_alike(columns: Mapping[str, Found], ends: tuple[float, float]) -> None:
    """Raises an error if some columns have much smaller scores than others, such as 0 and 1."""
    if ends[1] == 1:
        return
    small = [name for name, found in columns.items() if found.high <= max(1, ends[1] / 10)]
    if any(columns[name].low < columns[name].high for name in small):
        raise UnknownScaleError(f"the columns have different ranges: {_each(columns)}")


def _each(columns: Mapping[str, Found], most: int = 12) -> str:
    listed = [f"{name}: {found}" for name, found in columns.items()]
    return "; ".join(listed[:most]) + ("; ..." if len(listed) > most else "")
