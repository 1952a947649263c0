"""Names and words that the questions are made of, in four languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from random import Random

Language = Literal["en", "de", "fr", "es"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
Texts = Mapping[Language, str]
"""A text in each language."""

NAMES = (
    *("Anna", "Bruno", "Clara", "David", "Emma", "Felix", "Greta", "Hugo", "Irene", "Jonas"),
    *("Karla", "Leon", "Marta", "Nora", "Oscar", "Paula", "Rafael", "Sara", "Tomas", "Vera"),
)
CITIES = (
    *("Berlin", "Paris", "Madrid", "Oslo", "Porto", "Riga", "Turin", "Dublin", "Zagreb"),
    *("Bergen", "Malmö", "Bilbao", "Lyon", "Graz", "Leeds", "Bonn", "Nantes", "Toledo"),
)
WEEKDAYS: Mapping[Language, tuple[str, ...]] = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
_ENDINGS: Texts = {
    "en": "End with one line of the form `Answer: …`.",
    "de": "Schließe mit einer Zeile der Form `Antwort: …`.",
    "fr": "Termine par une ligne de la forme `Réponse : …`.",
    "es": "Termina con una línea de la forma `Respuesta: …`.",
}
_ANSWERS: Texts = {"en": "Answer:", "de": "Antwort:", "fr": "Réponse :", "es": "Respuesta:"}
_ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z")
_VOWELS = ("a", "e", "i", "o", "u")


def with_ending(language: Language, *paragraphs: str) -> str:
    """Returns a prompt that says how the reply has to end."""
    return "\n\n".join((*paragraphs, _ENDINGS[language]))


def answer_line(language: Language, answer: object) -> str:
    """Returns the last line of a right reply."""
    return f"{_ANSWERS[language]} {answer}"


def invented_words(random: Random, count: int) -> list[str]:
    """Returns different words that no language has."""
    found: dict[str, None] = {}
    while len(found) < count:
        syllables = (
            random.choice(_ONSETS) + random.choice(_VOWELS) for _ in range(random.randint(2, 4))
        )
        found["".join(syllables) + random.choice(("", "n", "r", "l"))] = None
    return list(found)
