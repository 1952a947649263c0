"""All features of a query and an answer, in one fixed order.

``query -> QueryText; answer -> features (F,)``

The features of an answer are mostly its form. They are no proof: an answer can be right in any form.
What they are worth for which model is learned (`scorer/training/answers`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.answers import choices, form, numbers, wording
from scorer.answers.choices import Choices, choice_features, choices_of
from scorer.answers.form import form_features
from scorer.answers.numbers import number_features, numbers_of
from scorer.answers.wording import wording_features, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Features = npt.NDArray[np.float32]

NAMES = (*form.NAMES, *wording.NAMES, *numbers.NAMES, *choices.NAMES)
"""The names of the features, in order."""

MAX_CHARACTERS = 12_000
"""Longer queries and answers keep this many characters: half from their start, half from their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryText:
    """A query, read once for all of its answers."""

    text: str
    words: tuple[str, ...]
    numbers: tuple[float, ...]
    choices: Choices


def read_query(text: str) -> QueryText:
    """Reads a query."""
    text = shortened(text)
    return QueryText(
        text=text,
        words=tuple(words_of(text)),
        numbers=tuple(numbers_of(text)),
        choices=choices_of(text),
    )


def answer_features(query: QueryText, answers: Sequence[str]) -> Features:
    """Returns the features of N answers to a query, (N, F)."""
    rows = [_row(query, shortened(answer)) for answer in answers]
    return np.array(rows, dtype=np.float32).reshape(len(answers), len(NAMES))


def shortened(text: str) -> str:
    """Returns a text without spaces around it, and without the middle if it is too long."""
    text = text.strip()
    if len(text) <= MAX_CHARACTERS:
        return text
    half = MAX_CHARACTERS // 2
    return f"{text[:half]} {text[-half:]}"


def _row(query: QueryText, answer: str) -> list[float]:
    words = words_of(answer)
    return [
        *form_features(query.text, answer, query.words, words),
        *wording_features(words),
        *number_features(answer, query.numbers),
        *choice_features(answer, query.choices),
    ]
