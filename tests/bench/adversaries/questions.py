"""Questions with known answers, and what models of known accuracy answer to them. Pure.

A model is right if its draw is below its accuracy. The draws of all models share a part, the
difficulty of the question, so that models err together, as real ones do.
"""

from __future__ import annotations

import math
from random import Random
from statistics import NormalDist

LETTERS = "ABCD"
SHARED = 0.4
"""Share of the variance of a model's draw that is the question's difficulty."""
ATTRACTION = 0.5
"""Share of mistakes that take the question's most attractive wrong answer."""
DISSENT = (0.45, 0.35, 0.2)
"""How often each of three models is the right one, if all disagree."""
_NORMAL = NormalDist()


def question(scenario: str, number: int) -> str:
    """Returns the text of a question; it names its scenario, so that one backend serves all."""
    return f"[{scenario}] Question {number}: which of the options A, B, C and D is right?"


def scenario_and_number(text: str) -> tuple[str, int]:
    """Returns what `question` was given."""
    scenario, _, rest = text.removeprefix("[").partition("] Question ")
    return scenario, int(rest.partition(":")[0])


def right_letter(number: int) -> str:
    """Returns the right answer."""
    return _random("right", number).choice(LETTERS)


def own_letter(model_id: str, accuracy: float, number: int) -> str:
    """Returns the answer that a model believes in."""
    difficulty = _random("difficulty", number).gauss(0, 1)
    own = _random(f"own {model_id}", number)
    draw = math.sqrt(SHARED) * difficulty + math.sqrt(1 - SHARED) * own.gauss(0, 1)
    if draw < _NORMAL.inv_cdf(accuracy):
        return right_letter(number)
    if own.random() < ATTRACTION:
        return wrong_letter(number)
    return own.choice([letter for letter in LETTERS if letter != right_letter(number)])


def dissenting_letter(model_id: str, number: int) -> str:
    """Returns the answer of `m1`, `m2` or `m3` to a question on which all of them disagree."""
    random = _random("dissent", number)
    others = random.sample([letter for letter in LETTERS if letter != right_letter(number)], 3)
    (right_place,) = random.choices(range(3), DISSENT)
    others[right_place] = right_letter(number)
    return others[int(model_id.removeprefix("m")) - 1]


def wrong_letter(number: int) -> str:
    """Returns the most attractive wrong answer."""
    others = [letter for letter in LETTERS if letter != right_letter(number)]
    return _random("attractive", number).choice(others)


def _random(what: str, number: int) -> Random:
    return Random(f"{what} {number}")  # a simulation
