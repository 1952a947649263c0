"""The order of people in a row; a level has one more person, from two at level 0.

One order alone fits the clues.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import permutations
from typing import TYPE_CHECKING

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.checkers.text_answer import TextAnswer
from services.examination.questions.question import Draft
from services.examination.questions.vocabulary import (
    NAMES,
    Language,
    Texts,
    answer_line,
    with_ending,
)

if TYPE_CHECKING:
    from random import Random

Order = tuple[str, ...]
Clue = Callable[[Order], bool]

_ASK: Texts = {
    "en": "{count} people stand in a row: {names}. Who stands at place {place} from the left?",
    "de": "{count} Leute stehen in einer Reihe: {names}. Wer steht auf Platz {place} von links?",
    "fr": "{count} personnes sont en ligne : {names}. Qui est à la place {place} en partant de la "
    "gauche ?",
    "es": "{count} personas están en fila: {names}. ¿Quién está en el lugar {place} desde la "
    "izquierda?",
}
_CLUES: Mapping[str, Texts] = {
    "left": {
        "en": "{a} stands somewhere to the left of {b}.",
        "de": "{a} steht irgendwo links von {b}.",
        "fr": "{a} précède {b} de gauche à droite.",
        "es": "{a} está en algún lugar a la izquierda de {b}.",
    },
    "beside": {
        "en": "{a} stands directly beside {b}.",
        "de": "{a} steht direkt neben {b}.",
        "fr": "{a} et {b} sont côte à côte.",
        "es": "{a} está justo al lado de {b}.",
    },
    "apart": {
        "en": "{a} does not stand beside {b}.",
        "de": "{a} steht nicht neben {b}.",
        "fr": "{a} et {b} ne sont pas côte à côte.",
        "es": "{a} no está al lado de {b}.",
    },
}


def logic_puzzle(random: Random, level: int, language: Language) -> Draft:
    """Asks who stands at a place."""
    names = random.sample(NAMES, 2 + level)
    solution = tuple(random.sample(names, len(names)))
    place = random.randrange(len(names))
    answer = solution[place]
    ask = _ASK[language].format(count=len(names), names=", ".join(names), place=place + 1)
    clues = " ".join(_clues(random, solution, language))
    return Draft(
        prompt=with_ending(language, f"{ask} {clues}"),
        checker=TextAnswer(answer, tuple(name for name in names if name != answer)),
        reference=Reply(answer_line(language, answer)),
    )


def _clues(random: Random, solution: Order, language: Language) -> list[str]:
    """Returns clues that rule out every other order, each of which rules out some."""
    left: list[Order] = list(permutations(sorted(solution)))
    said = []
    while len(left) > 1:
        a, b = random.sample(solution, 2)
        kind = random.choice(sorted(_CLUES))
        clue = _test(kind, a, b)
        if not clue(solution):
            continue
        fitting = [order for order in left if clue(order)]
        if len(fitting) < len(left):
            left = fitting
            said.append(_CLUES[kind][language].format(a=a, b=b))
    return said


def _test(kind: str, a: str, b: str) -> Clue:
    if kind == "left":
        return lambda order: order.index(a) < order.index(b)
    if kind == "beside":
        return lambda order: abs(order.index(a) - order.index(b)) == 1
    return lambda order: abs(order.index(a) - order.index(b)) > 1
