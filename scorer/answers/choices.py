"""Features of the choice that an answer takes, where the query names lettered choices.

``query -> Choices; answer -> the letter that it takes last, and how its text supports that choice``
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from scorer.answers.numbers import numbers_of
from scorer.answers.wording import words_of

LETTERS = 10
"""Number of letters that have a feature of their own."""

NAMES = (
    "choices",
    "has choices",
    "times a choice is taken",
    "takes a choice",
    "distinct choices taken",
    "contradicts itself",
    *(f"takes {chr(ord('A') + index)}" for index in range(LETTERS)),
    "takes the last choice",
    "support of the choice",
    "best support of another",
    "lead in support",
    "rank in support",
    "length of the choice",
    "rank of its length",
    "choice is quoted",
    "choice is a number",
    "its number was found",
    "its number was found nearly",
    "its number was found last",
    "other choices' numbers found",
    "choices that are numbers",
)
"""The names of the features, in order."""

_CHOICE = re.compile(r"^\(?([A-P])[.):] ?(.{1,400})$", re.MULTILINE)
_TAKEN = re.compile(
    r"(?:answer|option|choice)(?: is| would be| should be|:)?[:*\s]{0,4}"
    r"(?:option )?\(?([A-P])\)?(?![a-z])"
)
_NEAR = 0.02
_LATE_NUMBERS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The lettered choices of a query."""

    texts: tuple[str, ...]
    words: tuple[frozenset[str], ...]
    """The words of each that are not in the question; all, if it has no others."""
    numbers: tuple[float | None, ...]
    """The first number of each."""


def choices_of(query: str) -> Choices:
    """Returns the choices of a query; none, if it names fewer than two."""
    found = list(_CHOICE.finditer(query))
    if len(found) < 2:
        return Choices(texts=(), words=(), numbers=())
    stem = set(words_of(query[: found[0].start()]))
    texts = tuple(match[2].strip() for match in found)
    words = [set(words_of(text)) for text in texts]
    return Choices(
        texts=texts,
        words=tuple(frozenset((each - stem) or each) for each in words),
        numbers=tuple(next(iter(numbers_of(text)), None) for text in texts),
    )


def choice_features(answer: str, choices: Choices) -> list[float]:
    """Returns the features of the choice that an answer takes, in the order of ``NAMES``."""
    count = len(choices.texts)
    taken = _TAKEN.findall(answer)
    distinct = len(set(taken))
    index = ord(taken[-1]) - ord("A") if taken and count else -1
    general = [
        count / LETTERS,
        float(count > 0),
        math.log1p(len(taken)),
        float(bool(taken)),
        math.log1p(distinct),
        float(distinct > 1),
        *(float(index == letter) for letter in range(LETTERS)),
        float(count > 0 and index == count - 1),
    ]
    if not 0 <= index < count:
        return general + [0.0] * (len(NAMES) - len(general))
    start = answer.lower().rfind("answer is")
    body = answer[:start] if start > 0 else answer
    return general + _support(index, body, choices) + _number_support(index, body, choices)


def _support(index: int, body: str, choices: Choices) -> list[float]:
    """Returns how many words of the choice, and of the others, the answer has before it concludes."""
    words = set(words_of(body))
    shares = [len(each & words) / max(len(each), 1) for each in choices.words]
    ours, best = shares[index], max(shares[:index] + shares[index + 1 :], default=0.0)
    text = choices.texts[index]
    longer = sum(len(other) > len(text) for other in choices.texts)
    return [
        ours,
        best,
        ours - best,
        sum(share > ours for share in shares) / len(shares),
        math.log1p(len(text)),
        longer / len(shares),
        float(text.rstrip(". ").lower() in body.lower()),
    ]


def _number_support(index: int, body: str, choices: Choices) -> list[float]:
    numeric = sum(number is not None for number in choices.numbers) / len(choices.numbers)
    value = choices.numbers[index]
    if value is None:
        return [0.0] * 5 + [numeric]
    found = numbers_of(body)[-_LATE_NUMBERS:]
    others = [n for i, n in enumerate(choices.numbers) if i != index and n is not None]
    return [
        1.0,
        float(value in found),
        float(any(_near(number, value) for number in found)),
        float(bool(found) and _near(found[-1], value)),
        sum(other in found for other in others) / len(choices.numbers),
        numeric,
    ]


def _near(number: float, value: float) -> bool:
    return abs(number - value) <= _NEAR * abs(value) + 1e-9
