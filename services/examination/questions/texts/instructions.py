"""Texts that follow instructions; a level has one more; level 0 asks for the first word alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.checkers.instruction_answer import (
    Instruction,
    InstructionAnswer,
    Rule,
)
from services.examination.questions.question import Draft
from services.examination.questions.vocabulary import Language, Texts, invented_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

_ASK: Texts = {
    "en": "Write one sentence. Words in quotation marks may be invented. Follow all of this, and "
    "reply with the sentence alone:",
    "de": "Schreibe einen Satz. Wörter in Anführungszeichen können erfunden sein. Befolge alles, "
    "und antworte nur mit dem Satz:",
    "fr": "Écris une phrase. Les mots entre guillemets peuvent être inventés. Respecte tout ceci, "
    "et réponds seulement par la phrase :",
    "es": "Escribe una frase. Las palabras entre comillas pueden ser inventadas. Cumple todo esto "
    "y responde solo con la frase:",
}
_SAID: Mapping[Rule, Texts] = {
    "words": {
        "en": "It has exactly {value} words.",
        "de": "Er hat genau {value} Wörter.",
        "fr": "Elle a exactement {value} mots.",
        "es": "Tiene exactamente {value} palabras.",
    },
    "first": {
        "en": 'Its first word is "{value}".',
        "de": 'Sein erstes Wort ist "{value}".',
        "fr": 'Son premier mot est "{value}".',
        "es": 'Su primera palabra es "{value}".',
    },
    "contains": {
        "en": 'It contains the word "{value}".',
        "de": 'Er enthält das Wort "{value}".',
        "fr": 'Elle contient le mot "{value}".',
        "es": 'Contiene la palabra "{value}".',
    },
    "last": {
        "en": 'Its last word is "{value}".',
        "de": 'Sein letztes Wort ist "{value}".',
        "fr": 'Son dernier mot est "{value}".',
        "es": 'Su última palabra es "{value}".',
    },
    "without": {
        "en": 'It does not contain the letter "{value}".',
        "de": 'Er enthält den Buchstaben "{value}" nicht.',
        "fr": 'Elle ne contient pas la lettre "{value}".',
        "es": 'No contiene la letra "{value}".',
    },
    "lower": {
        "en": "It has no capital letters.",
        "de": "Er hat keine Großbuchstaben.",
        "fr": "Elle n'a pas de majuscules.",
        "es": "No tiene mayúsculas.",
    },
}
_ORDER: tuple[Rule, ...] = ("words", "first", "contains", "last", "without", "lower")


def instructions(random: Random, level: int, language: Language) -> Draft:
    """Asks for a sentence that follows instructions."""
    letter = random.choice("aeiou")
    words = [word for word in invented_words(random, 150) if letter not in word]
    count = random.randint(4 + 4 * level, 8 + 4 * level)
    first, middle, last = words[0], words[1], words[count - 1]
    values: dict[Rule, str] = {
        "words": str(count),
        "first": first,
        "contains": middle,
        "last": last,
        "without": letter,
        "lower": "",
    }
    rules = [
        Instruction(rule, values[rule]) for rule in (_ORDER[: level + 1] if level else ("first",))
    ]
    said = [f"- {_SAID[each.rule][language].format(value=each.value)}" for each in rules]
    return Draft(
        prompt="\n".join((_ASK[language], *said)),
        checker=InstructionAnswer(tuple(rules)),
        reference=Reply(f"{' '.join(words[:count])}."),
    )
