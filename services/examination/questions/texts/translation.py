"""Sentences with names, weekdays and numbers; a level has more sentences; level 0 has a list of facts.

The meaning of a translation cannot be marked by a program. Its facts can: each line has to hold its
names and numbers, the weekday in the other language, and none in the language of the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.checkers.fact_answer import FactAnswer, FactLine
from services.examination.questions.question import Draft
from services.examination.questions.vocabulary import (
    LANGUAGES,
    NAMES,
    WEEKDAYS,
    Language,
    Texts,
)

if TYPE_CHECKING:
    from random import Random

_INTO: dict[Language, Texts] = {
    "en": {"en": "English", "de": "German", "fr": "French", "es": "Spanish"},
    "de": {"en": "Englische", "de": "Deutsche", "fr": "Französische", "es": "Spanische"},
    "fr": {"en": "anglais", "de": "allemand", "fr": "français", "es": "espagnol"},
    "es": {"en": "inglés", "de": "alemán", "fr": "francés", "es": "español"},
}
_ASK: Texts = {
    "en": "Translate into {into}, one line for each line. Write numbers as digits, keep names, "
    "and reply with the translation alone.",
    "de": "Übersetze ins {into}, eine Zeile für jede Zeile. Schreibe Zahlen als Ziffern, behalte "
    "Namen bei und antworte nur mit der Übersetzung.",
    "fr": "Traduis en {into}, une ligne pour chaque ligne. Écris les nombres en chiffres, garde "
    "les noms et réponds seulement par la traduction.",
    "es": "Traduce al {into}, una línea por cada línea. Escribe los números con cifras, conserva "
    "los nombres y responde solo con la traducción.",
}
_SENTENCES: tuple[Texts, ...] = (
    {
        "en": "On {day}, {name} buys {n} tickets from {other} for {m} euros.",
        "de": "Am {day} kauft {name} bei {other} {n} Karten für {m} Euro.",
        "fr": "{day}, {name} achète {n} billets à {other} pour {m} euros.",
        "es": "El {day}, {name} compra a {other} {n} entradas por {m} euros.",
    },
    {
        "en": "{name} waits for {other} on {day} at gate {n} with {m} parcels.",
        "de": "{name} wartet am {day} mit {m} Paketen am Tor {n} auf {other}.",
        "fr": "{name} attend {other} {day} à la porte {n} avec {m} colis.",
        "es": "{name} espera a {other} el {day} en la puerta {n} con {m} paquetes.",
    },
    {
        "en": "{name} sells {n} chairs and {m} tables to {other} on {day}.",
        "de": "{name} verkauft {other} am {day} {n} Stühle und {m} Tische.",
        "fr": "{name} vend {day} {n} chaises et {m} tables à {other}.",
        "es": "{name} vende el {day} {n} sillas y {m} mesas a {other}.",
    },
)


@dataclass(frozen=True, slots=True)
class _Fact:
    sentence: int
    name: str
    other: str
    weekday: int
    n: int
    m: int

    def said(self, language: Language) -> str:
        """Returns the sentence in a language."""
        text = _SENTENCES[self.sentence][language].format(
            name=self.name,
            other=self.other,
            day=WEEKDAYS[language][self.weekday],
            n=self.n,
            m=self.m,
        )
        return text[0].upper() + text[1:]


def translation(random: Random, level: int, language: Language) -> Draft:
    """Asks for a translation into another language."""
    target = random.choice([each for each in LANGUAGES if each != language])
    ask = _ASK[language].format(into=_INTO[language][target])
    if level == 0:
        return _list_of_facts(ask, _fact(random), language, target)
    facts = [_fact(random) for _ in range(2 * level - 1)]
    lines = [fact.said(language) for fact in facts]
    return Draft(
        prompt="\n\n".join((ask, "\n".join(lines))),
        checker=FactAnswer(tuple(_line(fact, language, target) for fact in facts)),
        reference=Reply("\n".join(fact.said(target) for fact in facts)),
    )


def _list_of_facts(ask: str, fact: _Fact, language: Language, target: Language) -> Draft:
    line, right = (
        f"{fact.name}, {WEEKDAYS[each][fact.weekday]}, {fact.n}" for each in (language, target)
    )
    required = (fact.name, WEEKDAYS[target][fact.weekday], str(fact.n))
    others = tuple(day for day in WEEKDAYS[target] if day not in required)
    checker = FactLine(required=required, forbidden=(*others, *WEEKDAYS[language]), min_words=3)
    return Draft(prompt=f"{ask}\n\n{line}", checker=FactAnswer((checker,)), reference=Reply(right))


def _fact(random: Random) -> _Fact:
    name, other = random.sample(NAMES, 2)
    n, m = random.sample(range(13, 99), 2)
    return _Fact(random.randrange(len(_SENTENCES)), name, other, random.randrange(7), n, m)


def _line(fact: _Fact, language: Language, target: Language) -> FactLine:
    weekday = WEEKDAYS[target][fact.weekday]
    others = [day for day in WEEKDAYS[target] if day != weekday]
    return FactLine(
        required=(fact.name, fact.other, weekday, str(fact.n), str(fact.m)),
        forbidden=(*others, *WEEKDAYS[language]),
        min_words=8,
    )
