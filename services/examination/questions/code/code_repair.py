"""Functions with a fault; a level has a longer function whose fault is harder to see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.checkers.program_answer import ProgramAnswer
from services.examination.questions.code.faulty_functions import FUNCTIONS, Values
from services.examination.questions.question import Draft
from services.examination.questions.vocabulary import Language, Texts, invented_words

if TYPE_CHECKING:
    from random import Random

_ASK: Texts = {
    "en": "This Python function should {purpose}. It has a fault. "
    "Reply with the whole repaired function in one code block.",
    "de": "Diese Python-Funktion soll {purpose}. Sie hat einen Fehler. "
    "Antworte mit der ganzen reparierten Funktion in einem Codeblock.",
    "fr": "Cette fonction Python doit {purpose}. Elle a un défaut. "
    "Réponds par la fonction réparée entière dans un bloc de code.",
    "es": "Esta función de Python debe {purpose}. Tiene un fallo. "
    "Responde con la función reparada completa en un bloque de código.",
}
_TESTS = 12


def code_repair(random: Random, level: int, language: Language) -> Draft:
    """Asks for a repaired function, on which the faulty one and the right one differ."""
    function = FUNCTIONS[level]
    numbers = {
        "LIMIT": str(random.randint(3, 30)),
        "FACTOR": str(random.randint(2, 5)),
        "BONUS": str(random.randint(2, 99)),
        "NAME": invented_words(random, 1)[0] + "_of",
    }
    right = _filled(function.right, numbers)
    faulty = _filled(function.right.replace(*random.choice(function.faults)), numbers)
    inputs = _inputs(random, level, (right, faulty), numbers["NAME"])
    ask = _ASK[language].format(purpose=_filled(function.purpose[language], numbers))
    return Draft(
        prompt=f"{ask}\n\n```python\n{faulty}\n```",
        checker=ProgramAnswer(
            numbers["NAME"],
            tuple((values,) for values in inputs),
            tuple(_returned(right, numbers["NAME"], values) for values in inputs),
        ),
        reference=Reply(f"```python\n{right}\n```"),
    )


def _filled(text: str, numbers: dict[str, str]) -> str:
    for word, number in numbers.items():
        text = text.replace(word, number)
    return text


def _inputs(random: Random, level: int, sources: tuple[str, str], name: str) -> list[Values]:
    """Returns inputs of which one at least shows the fault."""
    while True:
        inputs = [FUNCTIONS[level].inputs(random) for _ in range(_TESTS)]
        if any(
            _returned(sources[0], name, values) != _returned(sources[1], name, values)
            for values in inputs
        ):
            return inputs


def _returned(source: str, name: str, values: Values) -> Any:
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102  # a function of ``FUNCTIONS``, never a model's
    return names[name](list(values))
