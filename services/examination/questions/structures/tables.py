"""Values and sums of a table; a level has more rows, and asks for more at once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.checkers.number_answer import NumberAnswer
from services.examination.questions.question import Draft
from services.examination.questions.vocabulary import (
    CITIES,
    Language,
    Texts,
    answer_line,
    invented_words,
    with_ending,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_HEADER: Texts = {
    "en": "| item | city | pieces | price |",
    "de": "| Artikel | Stadt | Stück | Preis |",
    "fr": "| article | ville | pièces | prix |",
    "es": "| artículo | ciudad | piezas | precio |",
}
_ASKS: tuple[Texts, ...] = (
    {
        "en": "How many pieces of {item} are there?",
        "de": "Wie viel Stück gibt es von {item}?",
        "fr": "Combien de pièces de {item} y a-t-il ?",
        "es": "¿Cuántas piezas de {item} hay?",
    },
    {
        "en": "How many pieces are there in {city} altogether?",
        "de": "Wie viel Stück gibt es in {city} insgesamt?",
        "fr": "Combien de pièces y a-t-il en tout à {city} ?",
        "es": "¿Cuántas piezas hay en total en {city}?",
    },
    {
        "en": "How many pieces have a price of {price} or more, altogether?",
        "de": "Wie viel Stück haben einen Preis von {price} oder mehr, insgesamt?",
        "fr": "Combien de pièces ont un prix de {price} ou plus, en tout ?",
        "es": "¿Cuántas piezas tienen un precio de {price} o más, en total?",
    },
    {
        "en": "What is the value (pieces times price) of everything in {city}?",
        "de": "Wie groß ist der Wert (Stück mal Preis) von allem in {city}?",
        "fr": "Quelle est la valeur (pièces fois prix) de tout ce qui est à {city} ?",
        "es": "¿Cuál es el valor (piezas por precio) de todo lo que hay en {city}?",
    },
    {
        "en": "By how much does the value (pieces times price) of everything in {city} differ from "
        "that in {other}, counting only prices of {price} or more?",
        "de": "Um wie viel unterscheidet sich der Wert (Stück mal Preis) von allem in {city} von dem "
        "in {other}, wenn nur Preise von {price} oder mehr zählen?",
        "fr": "De combien la valeur (pièces fois prix) de tout à {city} diffère-t-elle de celle à "
        "{other}, en ne comptant que les prix de {price} ou plus ?",
        "es": "¿En cuánto difiere el valor (piezas por precio) de todo en {city} del de {other}, "
        "contando solo precios de {price} o más?",
    },
)


@dataclass(frozen=True, slots=True)
class _Row:
    item: str
    city: str
    pieces: int
    price: int

    @property
    def value(self) -> int:
        """The price of all pieces."""
        return self.pieces * self.price


@dataclass(frozen=True, slots=True)
class _Asked:
    item: str
    city: str
    other: str
    price: int


_ANSWERS: tuple[Callable[[list[_Row], _Asked], int], ...] = (
    lambda rows, asked: sum(row.pieces for row in rows if row.item == asked.item),
    lambda rows, asked: sum(row.pieces for row in rows if row.city == asked.city),
    lambda rows, asked: sum(row.pieces for row in rows if row.price >= asked.price),
    lambda rows, asked: sum(row.value for row in rows if row.city == asked.city),
    lambda rows, asked: abs(
        sum(row.value for row in rows if row.city == asked.city and row.price >= asked.price)
        - sum(row.value for row in rows if row.city == asked.other and row.price >= asked.price)
    ),
)


def tables(random: Random, level: int, language: Language) -> Draft:
    """Asks for a number that a table tells."""
    city, other, *_ = cities = random.sample(CITIES, 3)
    rows = [
        _Row(item, random.choice(cities), random.randint(3, 99), random.randint(3, 40))
        for item in invented_words(random, 3 + 5 * level)
    ]
    asked = _Asked(random.choice(rows).item, city, other, random.randint(10, 25))
    number = _ANSWERS[max(level - 1, 0)](rows, asked)
    ask = _ASKS[max(level - 1, 0)][language].format(
        item=asked.item, city=asked.city, other=asked.other, price=asked.price
    )
    lines = [f"| {row.item} | {row.city} | {row.pieces} | {row.price} |" for row in rows]
    table = "\n".join((_HEADER[language], "| --- | --- | --- | --- |", *lines))
    return Draft(
        prompt=with_ending(language, table, ask),
        checker=NumberAnswer(Fraction(number), language),
        reference=Reply(answer_line(language, number)),
    )
