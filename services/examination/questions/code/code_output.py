"""The output of small programs; a level has more steps and longer lists; level 0 has one operation."""

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
    "en": "What does this Python program print?",
    "de": "Was gibt dieses Python-Programm aus?",
    "fr": "Qu'affiche ce programme Python ?",
    "es": "¿Qué imprime este programa de Python?",
}
_STEPS = (
    """
for value in values:
    if value % {small} == {rest}:
        total += value
    else:
        total -= {number}
""",
    """
for place, value in enumerate(values):
    total += place * value - {number}
""",
    """
values = [value + {small} for value in reversed(values) if value != {number}]
total += sum(values[:{small}])
""",
    """
for left, right in zip(values, values[1:]):
    if left > right:
        total += left - right
    elif right % {small}:
        total += {number}
""",
    """
count = 0
while total > {number} and count < {small}:
    total //= 2
    count += 1
total += 10 * count
""",
    """
values = values[{rest}:] + values[:{rest}]
total += sum(values[-1:]) * {small}
""",
    """
def shrink(number):
    return number if number < {number} else shrink(number // {small}) + 1

total += sum(shrink(value) for value in values)
""",
)


def code_output(random: Random, level: int, language: Language) -> Draft:
    """Asks for the number that a program prints."""
    source = _program(random, level)
    printed = _run(source)
    return Draft(
        prompt=with_ending(language, _ASK[language], f"```python\n{source}\n```"),
        checker=NumberAnswer(Fraction(printed), language),
        reference=Reply(answer_line(language, printed)),
    )


def _program(random: Random, level: int) -> str:
    if level == 0:
        first, second = random.randint(2, 20), random.randint(2, 9)
        return f"first = {first}\nsecond = {second}\nprint(first {random.choice('+*')} second)"
    values = [random.randint(2, 30 * level) for _ in range(2 + level)]
    steps = []
    for step in random.sample(_STEPS, level):
        small = random.randint(2, 5)
        rest, number = random.randrange(1, small), random.randint(5, 10 * level)
        steps.append(step.format(small=small, rest=rest, number=number))
    start = f"values = {values}\ntotal = {random.randint(0, 50)}"
    return "".join((start, *steps, "\nprint(total)"))


def _run(source: str) -> int:
    """Runs a program of ``_program``, which ends and touches nothing."""
    printed: list[int] = []
    exec(source, {"print": printed.append})  # noqa: S102  # our own program, never a model's
    return printed[0]
