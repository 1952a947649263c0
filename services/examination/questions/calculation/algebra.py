"""Equations: one unknown with more terms up to level 3, then three and four; level 0 has no factor."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.checkers.number_answer import NumberAnswer
from services.examination.questions.question import Draft
from services.examination.questions.vocabulary import Language, Texts, answer_line, with_ending

if TYPE_CHECKING:
    from random import Random

_ASK: Texts = {
    "en": "Find x:",
    "de": "Bestimme x:",
    "fr": "Trouve x :",
    "es": "Halla x:",
}


def algebra(random: Random, level: int, language: Language) -> Draft:
    """Asks for an unknown, which is a whole number."""
    least = -9 * level - 10 if level else 2
    x = random.choice([n for n in range(least, 9 * level + 11) if abs(n) > 1])
    lines = [_equation(random, level, x)] if level <= 3 else _system(random, level - 1, x)
    return Draft(
        prompt=with_ending(language, _ASK[language], "\n".join(lines)),
        checker=NumberAnswer(Fraction(x), language),
        reference=Reply(answer_line(language, f"x = {x}")),
    )


def _equation(random: Random, level: int, x: int) -> str:
    if level == 0:
        b = random.randint(1, 20)
        return f"x + {b} = {x + b}"
    a, c = random.sample(range(2, 15), 2)
    b, d = random.randint(1, 60), random.randint(1, 60)
    if level == 1:
        return f"{a}x + {b} = {a * x + b}"
    if level == 2:
        return f"{a}x + {b} = {c}x {_signed(a * x + b - c * x)}"
    e = random.choice([n for n in range(2, 10) if n != a - c])
    right = a * (x + b) - c * (x - d) - e * x
    return f"{a}(x + {b}) - {c}(x - {d}) = {e}x {_signed(right)}"


def _signed(number: int, unknown: str = "") -> str:
    return f"{'-' if number < 0 else '+'} {abs(number)}{unknown}"


def _system(random: Random, count: int, x: int) -> list[str]:
    """Returns equations of the first unknowns that have one solution."""
    values = [x, *(random.randint(-12, 12) for _ in range(count - 1))]
    while True:
        rows = [[random.choice((-1, 1)) * random.randint(1, 9) for _ in values] for _ in values]
        if _determinant(rows):
            break
    return [_line(row, values) for row in rows]


def _determinant(rows: list[list[int]]) -> int:
    if len(rows) == 1:
        return rows[0][0]
    minors = ([row[:i] + row[i + 1 :] for row in rows[1:]] for i in range(len(rows)))
    return sum(
        (-1) ** i * factor * _determinant(minor)
        for i, (factor, minor) in enumerate(zip(rows[0], minors, strict=True))
    )


def _line(row: list[int], values: list[int]) -> str:
    terms = " ".join(_signed(factor, unknown) for factor, unknown in zip(row, "xyzw", strict=False))
    total = sum(factor * value for factor, value in zip(row, values, strict=True))
    return f"{terms.removeprefix('+ ')} = {total}"
