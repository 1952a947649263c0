"""Lists of words that are changed step by step, more by level; level 0 reverses two words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.checkers.list_answer import ListAnswer
from services.examination.questions.question import Draft
from services.examination.questions.vocabulary import (
    Language,
    Texts,
    answer_line,
    invented_words,
    with_ending,
)

if TYPE_CHECKING:
    from random import Random

Step = Callable[[list[str], int], list[str]]

_ASK: Texts = {
    "en": "Start with this list and do the steps in order. Give the list at the end, with commas.",
    "de": "Beginne mit dieser Liste und führe die Schritte der Reihe nach aus. "
    "Nenne am Ende die Liste, mit Kommas.",
    "fr": "Pars de cette liste et fais les étapes dans l'ordre. "
    "Donne la liste à la fin, avec des virgules.",
    "es": "Empieza con esta lista y haz los pasos en orden. Da la lista al final, con comas.",
}
_STEPS: Mapping[str, Step] = {
    "sort": lambda words, _: sorted(words),
    "reverse": lambda words, _: words[::-1],
    "spell": lambda words, _: [word[::-1] for word in words],
    "rotate": lambda words, n: words[n:] + words[:n],
    "drop": lambda words, n: words[: n - 1] + words[n:],
    "first": lambda words, n: [word[n:] + word[:n] for word in words],
    "length": lambda words, _: sorted(words, key=len),
}
_SAID: Mapping[str, Texts] = {
    "sort": {
        "en": "Sort the words alphabetically.",
        "de": "Sortiere die Wörter alphabetisch.",
        "fr": "Trie les mots par ordre alphabétique.",
        "es": "Ordena las palabras alfabéticamente.",
    },
    "reverse": {
        "en": "Reverse the order of the words.",
        "de": "Kehre die Reihenfolge der Wörter um.",
        "fr": "Inverse l'ordre des mots.",
        "es": "Invierte el orden de las palabras.",
    },
    "spell": {
        "en": "Write each word backwards.",
        "de": "Schreibe jedes Wort rückwärts.",
        "fr": "Écris chaque mot à l'envers.",
        "es": "Escribe cada palabra al revés.",
    },
    "rotate": {
        "en": "Move the first word to the end, {n} times.",
        "de": "Setze {n}-mal das erste Wort ans Ende.",
        "fr": "Déplace le premier mot à la fin, {n} fois.",
        "es": "Mueve la primera palabra al final, {n} veces.",
    },
    "drop": {
        "en": "Remove word number {n}.",
        "de": "Entferne das Wort Nummer {n}.",
        "fr": "Supprime le mot numéro {n}.",
        "es": "Elimina la palabra número {n}.",
    },
    "first": {
        "en": "In each word, move the first letter to the end, {n} times.",
        "de": "Setze in jedem Wort {n}-mal den ersten Buchstaben ans Ende.",
        "fr": "Dans chaque mot, déplace la première lettre à la fin, {n} fois.",
        "es": "En cada palabra, mueve la primera letra al final, {n} veces.",
    },
    "length": {
        "en": "Sort the words by length, shortest first; equally long ones keep their order.",
        "de": "Sortiere die Wörter nach Länge, das kürzeste zuerst; gleich lange behalten "
        "ihre Reihenfolge.",
        "fr": "Trie les mots par longueur, le plus court d'abord ; à longueur égale, "
        "l'ordre reste.",
        "es": "Ordena las palabras por longitud, la más corta primero; las de igual longitud "
        "mantienen su orden.",
    },
}


def string_work(random: Random, level: int, language: Language) -> Draft:
    """Asks for the list after the last step."""
    start = words = invented_words(random, 3 + 2 * level if level else 2)
    said: list[str] = []
    while words == start:
        words, said = start, []
        for name in random.sample(sorted(_STEPS), level) if level else ["reverse"]:
            n = random.randint(2, 3)
            words = _STEPS[name](words, n)
            said.append(_SAID[name][language].format(n=n))
    steps = "\n".join(f"{number}. {text}" for number, text in enumerate(said, start=1))
    return Draft(
        prompt=with_ending(language, _ASK[language], ", ".join(start), steps),
        checker=ListAnswer(tuple(words)),
        reference=Reply(answer_line(language, ", ".join(words))),
    )
