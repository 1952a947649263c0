"""Easy questions with known answers, made from a seed, for models too small for an examination.

The right answer is one word or number. A reply is right if it holds that word and none of the other
answers that would fit the question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CAPITALS = {
    "France": "Paris",
    "Japan": "Tokyo",
    "Italy": "Rome",
    "Spain": "Madrid",
    "Germany": "Berlin",
    "Egypt": "Cairo",
    "Russia": "Moscow",
    "China": "Beijing",
    "Greece": "Athens",
    "Portugal": "Lisbon",
    "Norway": "Oslo",
    "Sweden": "Stockholm",
    "Finland": "Helsinki",
    "Poland": "Warsaw",
    "Austria": "Vienna",
    "Hungary": "Budapest",
    "Ireland": "Dublin",
    "Canada": "Ottawa",
    "Cuba": "Havana",
    "Peru": "Lima",
    "Kenya": "Nairobi",
    "India": "Delhi",
    "Thailand": "Bangkok",
    "Turkey": "Ankara",
    "Iran": "Tehran",
    "Iraq": "Baghdad",
    "Argentina": "Buenos",
    "Australia": "Canberra",
    "Denmark": "Copenhagen",
    "Belgium": "Brussels",
    "Chile": "Santiago",
    "Ukraine": "Kyiv",
    "Bulgaria": "Sofia",
    "Romania": "Bucharest",
    "Serbia": "Belgrade",
    "Croatia": "Zagreb",
    "Iceland": "Reykjavik",
    "Vietnam": "Hanoi",
    "Indonesia": "Jakarta",
    "Philippines": "Manila",
    "Venezuela": "Caracas",
    "Uruguay": "Montevideo",
    "Lebanon": "Beirut",
    "Syria": "Damascus",
    "Jordan": "Amman",
}
_OPPOSITES = {
    "hot": "cold",
    "big": "small",
    "up": "down",
    "day": "night",
    "happy": "sad",
    "fast": "slow",
    "open": "closed",
    "young": "old",
    "rich": "poor",
    "hard": "soft",
    "wet": "dry",
    "light": "dark",
    "early": "late",
    "full": "empty",
    "strong": "weak",
    "left": "right",
    "tall": "short",
    "loud": "quiet",
    "true": "false",
    "thick": "thin",
}
_PLURALS = {
    "child": "children",
    "mouse": "mice",
    "foot": "feet",
    "tooth": "teeth",
    "man": "men",
    "woman": "women",
    "goose": "geese",
    "leaf": "leaves",
    "knife": "knives",
    "city": "cities",
    "box": "boxes",
    "baby": "babies",
    "wolf": "wolves",
    "potato": "potatoes",
}
_NAMES = ("Anna", "Tom", "Irene", "Jonas", "Marta", "Felix", "Nora", "Hugo")
_COLOURS = ("red", "blue", "green", "yellow", "black", "white", "brown", "grey")


@dataclass(frozen=True, slots=True, kw_only=True)
class EasyQuestion:
    """A question with its answer."""

    kind: str
    prompt: str
    answer: str
    rivals: tuple[str, ...]
    """Other answers of the kind; a reply that names one of them too is wrong."""

    def is_right(self, text: str) -> bool:
        """Returns whether a reply names the answer, and no other."""
        said = set(re.findall(r"-?\d+|[^\W\d_]+", text.casefold()))
        return self.answer.casefold() in said and not said & {r.casefold() for r in self.rivals}


def easy_questions(count: int, seed: int) -> list[EasyQuestion]:
    """Returns different questions of all kinds in turn; the same ones for the same seed.

    Raises:
        ValueError: There are fewer than ``count`` different ones.
    """
    random = Random(seed)  # questions are no secrets
    streams = [_shuffled(random, kind, table) for kind, table in _TABLES.items()]
    found: dict[str, EasyQuestion] = {}
    for draw in islice(cycle((*streams, _sum, _colour, _larger)), 50 * count):
        question = draw(random)
        if question is not None:
            found.setdefault(question.prompt, question)
        if len(found) == count:
            return list(found.values())
    message = f"there are only {len(found)} questions"
    raise ValueError(message)


_TABLES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "capital": ("What is the capital of {}? Answer in one short sentence.", _CAPITALS),
    "opposite": ("What is the opposite of the word '{}'? Answer with one word.", _OPPOSITES),
    "plural": ("What is the plural of the word '{}'? Answer with one word.", _PLURALS),
}


def _shuffled(
    random: Random, kind: str, table: tuple[str, Mapping[str, str]]
) -> Callable[[Random], EasyQuestion | None]:
    """Returns what takes one entry of a table after the other, and then none."""
    text, answers = table
    left = random.sample(sorted(answers), len(answers))

    def draw(_: Random) -> EasyQuestion | None:
        if not left:
            return None
        asked = left.pop()
        rivals = tuple(v for v in answers.values() if v != answers[asked])
        return EasyQuestion(
            kind=kind, prompt=text.format(asked), answer=answers[asked], rivals=rivals
        )

    return draw


def _sum(random: Random) -> EasyQuestion:
    a, b = random.randint(1, 9), random.randint(1, 9)
    return _number("sum", f"What is {a} + {b}?", a + b, (a, b))


def _larger(random: Random) -> EasyQuestion:
    a, b = random.sample(range(1, 100), 2)
    prompt = f"Which is the larger number, {a} or {b}?"
    return EasyQuestion(
        kind="larger", prompt=prompt, answer=str(max(a, b)), rivals=(str(min(a, b)),)
    )


def _colour(random: Random) -> EasyQuestion:
    one, other = random.sample(_NAMES, 2)
    first, second = random.sample(_COLOURS, 2)
    prompt = (
        f"{one} has a {first} car. {other} has a {second} car. "
        f"What colour is the car of {other}? Answer with one word."
    )
    return EasyQuestion(kind="reading", prompt=prompt, answer=second, rivals=(first,))


def _number(kind: str, prompt: str, answer: int, given: tuple[int, ...]) -> EasyQuestion:
    """Returns a calculation; a reply may repeat its numbers, but gives one result."""
    allowed = {answer, *given}
    rivals = tuple(str(each) for each in range(-50, 1000) if each not in allowed)
    return EasyQuestion(kind=kind, prompt=prompt, answer=str(answer), rivals=rivals)
