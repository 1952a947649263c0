"""Changes of an answer's form that do not make it right, so that the scorer learns not to trust them.

``query, answer, draw -> changed answer``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    Disguise = Callable[[str, str, np.random.Generator], str]

_CARE = (
    "First, consider each part of the question with care.",
    "We then compare the result with what is known.",
    "Each step follows from the one before it.",
    "Therefore the result is consistent with the question.",
    "Next, we verify that the calculation holds: 12 + 30 = 42.",
    "The other possibilities can be ruled out one by one.",
)
_CERTAIN = (
    "I have checked this twice and I am certain.",
    "This is definitely correct.",
    "There is no doubt about this answer.",
)
_OTHER_LANGUAGES = (
    "La respuesta es correcta porque cumple todas las condiciones de la pregunta.",
    "这个答案是正确的，因为它满足问题的所有条件。",  # noqa: RUF001
    "Die Antwort ist richtig, denn sie erfüllt alle Bedingungen der Frage.",
    "Ответ верен, так как он удовлетворяет всем условиям вопроса.",
)


def padded(query: str, answer: str, draw: np.random.Generator) -> str:
    """Puts sentences without content before the answer."""
    del query
    return " ".join([*draw.choice(_CARE, int(draw.integers(2, 9))), answer])


def confident(query: str, answer: str, draw: np.random.Generator) -> str:
    """Puts assurances around the answer."""
    del query
    before, after = draw.choice(_CERTAIN, 2)
    return f"{before} {answer.strip()} {after}"


def repeating(query: str, answer: str, draw: np.random.Generator) -> str:
    """Repeats the query before the answer."""
    del draw
    return f"{query.strip()}\n\n{answer}"


def foreign(query: str, answer: str, draw: np.random.Generator) -> str:
    """Puts sentences of another language before the answer."""
    del query
    return " ".join([*draw.choice(_OTHER_LANGUAGES, int(draw.integers(1, 4))), answer])


def formatted(query: str, answer: str, draw: np.random.Generator) -> str:
    """Sets the answer as a document with a heading and a list."""
    del query
    care = draw.choice(_CARE, 2)
    return f"**Solution**\n\n1. {care[0]}\n2. {care[1]}\n\n{answer.strip()}"


def fake_final_line(query: str, answer: str, draw: np.random.Generator) -> str:
    """Appends another final answer."""
    del query
    letter = "ABCDEFGHIJ"[int(draw.integers(10))]
    number = int(draw.integers(1, 500))
    line = str(draw.choice([f"The answer is ({letter}).", f"The answer is {number}."]))
    return f"{answer.strip()}\n\n{line}"


KEEPING: tuple[Disguise, ...] = (padded, confident, repeating, foreign, formatted)
"""Disguises after which the final answer is the same."""

ALL: tuple[Disguise, ...] = (*KEEPING, fake_final_line)
