"""Terms of whole numbers: level 0 adds small ones; a level has more operations, and products from 2."""

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
    "en": "Calculate {term}.",
    "de": "Berechne {term}.",
    "fr": "Calcule {term}.",
    "es": "Calcula {term}.",
}


def arithmetic(random: Random, level: int, language: Language) -> Draft:
    """Asks for the value of a term."""
    smallest, largest = (2 if level == 0 else 11), (20, 99, 999, 999, 9_999, 99_999)[level]
    term = str(random.randint(smallest, largest))
    value = int(term)
    for step in range(max(level, 1)):
        if step % 2:  # every second operation is a product
            factor = random.randint(3, 9 if level < 4 else 49)
            term, value = f"({term}) × {factor}", value * factor
            continue
        number = random.randint(smallest, largest)
        if level == 0 or random.random() < 0.5:
            term, value = f"{term} + {number}", value + number
        else:
            term, value = f"{term} - {number}", value - number
    return Draft(
        prompt=with_ending(language, _ASK[language].format(term=term)),
        checker=NumberAnswer(Fraction(value), language),
        reference=Reply(answer_line(language, value)),
    )
