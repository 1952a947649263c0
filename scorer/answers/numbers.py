"""Features of the numbers of an answer: equations that hold, numbers of the query, the last number."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = (
    "equations that hold",
    "equations that do not hold",
    "share of equations that do not hold",
    "numbers",
    "distinct numbers",
    "numbers not in the query",
    "numbers of the query",
    "largest number",
    "long decimals",
    "has a last number",
    "last number is whole",
    "last number's size",
    "last number is negative",
    "last number came before",
    "times it came before",
    "last number is in the query",
)
"""The names of the features, in order."""

MAX_NUMBERS = 400
MAX_EQUATIONS = 100
"""The numbers and equations after so many are not read."""

_NUMBER = r"\d[\d,]{0,15}(?:\.\d{1,12})?"
NUMBER = re.compile(f"-?{_NUMBER}")
# Every part is bounded, so that matching takes linear time.
_EQUATION = re.compile(
    rf"(-?{_NUMBER}) ?(\\times|\\cdot|\\div|[-+*/×÷]) ?\$?({_NUMBER}) ?= ?\$?(-?{_NUMBER})"  # noqa: RUF001
)
_LARGEST = 1e15


def numbers_of(text: str) -> list[float]:
    """Returns the first numbers of a text, without the commas between thousands."""
    found = itertools.islice(NUMBER.finditer(text), MAX_NUMBERS)
    return [float(match[0].replace(",", "")) for match in found]


def number_features(answer: str, query_numbers: Sequence[float]) -> list[float]:
    """Returns the features of an answer's numbers, in the order of ``NAMES``."""
    right, wrong = _equations(answer)
    numbers = numbers_of(answer)
    distinct, given = set(numbers), set(query_numbers)
    count = max(len(numbers), 1)
    largest = max((abs(n) for n in numbers if abs(n) < _LARGEST), default=0.0)
    decimals = sum(n != round(n, 3) for n in numbers if abs(n) < _LARGEST)
    return [
        math.log1p(right),
        math.log1p(wrong),
        wrong / (right + wrong + 1),
        math.log1p(len(numbers)),
        len(distinct) / count,
        len(distinct - given) / max(len(distinct), 1),
        len(distinct & given) / len(given) if given else 0.5,
        math.log1p(largest) / 10,
        decimals / count,
        *_last_number(numbers, given),
    ]


def _last_number(numbers: Sequence[float], given: set[float]) -> list[float]:
    if not numbers:
        return [0.0] * 7
    last = numbers[-1]
    before = Counter(numbers)[last] - 1
    return [
        1.0,
        float(abs(last) < _LARGEST and last == int(last)),
        min(math.log1p(abs(last)), 20) / 5,
        float(last < 0),
        float(before > 0),
        math.log1p(before),
        float(last in given),
    ]


def _equations(answer: str) -> tuple[int, int]:
    """Returns how many equations of two numbers hold, up to rounding, and how many do not."""
    right = wrong = 0
    for match in itertools.islice(_EQUATION.finditer(answer), MAX_EQUATIONS):
        left, operator, other, stated = match.groups()
        value = _value(_float(left), operator, _float(other))
        result = _float(stated)
        if abs(value - result) <= 0.015 * abs(result) + 0.006:
            right += 1
        else:
            wrong += 1
    return right, wrong


def _value(left: float, operator: str, right: float) -> float:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator in {"/", "÷", "\\div"}:
        return left / right if right else math.inf
    return left * right


def _float(text: str) -> float:
    return float(text.replace(",", ""))
