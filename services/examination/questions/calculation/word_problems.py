"""Stories of buying and giving; a level has more steps, from one at level 0, and distractors from 3."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.checkers.number_answer import NumberAnswer
from services.examination.questions.question import Draft
from services.examination.questions.vocabulary import (
    NAMES,
    Language,
    Texts,
    answer_line,
    with_ending,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

_START: Texts = {
    "en": "{name} has {n} apples.",
    "de": "{name} hat {n} Äpfel.",
    "fr": "{name} a {n} pommes.",
    "es": "{name} tiene {n} manzanas.",
}
_STEPS: Mapping[str, Texts] = {
    "buy": {
        "en": "{name} buys {n} bags of {m} apples each.",
        "de": "{name} kauft {n} Beutel mit je {m} Äpfeln.",
        "fr": "{name} achète {n} sacs de {m} pommes chacun.",
        "es": "{name} compra {n} bolsas de {m} manzanas cada una.",
    },
    "give": {
        "en": "{name} gives {n} apples to {other}.",
        "de": "{name} gibt {other} {n} Äpfel.",
        "fr": "{name} donne {n} pommes à {other}.",
        "es": "{name} da {n} manzanas a {other}.",
    },
    "share": {
        "en": "{name} keeps one in {n} of the apples and gives all others away.",
        "de": "{name} behält jeden {n}. Apfel und verschenkt alle anderen.",
        "fr": "{name} garde une pomme sur {n} et donne toutes les autres.",
        "es": "{name} se queda con una de cada {n} manzanas y regala todas las demás.",
    },
}
_DISTRACTOR: Texts = {
    "en": "{other} has {n} pears and {m} plums.",
    "de": "{other} hat {n} Birnen und {m} Pflaumen.",
    "fr": "{other} a {n} poires et {m} prunes.",
    "es": "{other} tiene {n} peras y {m} ciruelas.",
}
_ASK: Texts = {
    "en": "How many apples does {name} have now?",
    "de": "Wie viele Äpfel hat {name} jetzt?",
    "fr": "Combien de pommes reste-t-il à {name} ?",
    "es": "¿Cuántas manzanas tiene {name} ahora?",
}


def word_problem(random: Random, level: int, language: Language) -> Draft:
    """Asks what is left at the end of a story."""
    name, *others = random.sample(NAMES, 8)
    apples = random.randint(10, 30 * level) if level else random.randint(4, 20)
    sentences = [_START[language].format(name=name, n=apples)]
    for step in range(level + 1):
        kind, n, m, apples = _step(random, level, apples)
        names = {"name": name, "other": others[step]}
        sentences.append(_STEPS[kind][language].format(**names, n=n, m=m))
        if level >= 3 and step % 2:
            n, m = random.randint(2, 99), random.randint(2, 99)
            sentences.append(_DISTRACTOR[language].format(other=others[step], n=n, m=m))
    sentences.append(_ASK[language].format(name=name))
    return Draft(
        prompt=with_ending(language, " ".join(sentences)),
        checker=NumberAnswer(Fraction(apples), language),
        reference=Reply(answer_line(language, apples)),
    )


def _step(random: Random, level: int, apples: int) -> tuple[str, int, int, int]:
    """Returns a step with its two numbers and the apples after it."""
    if level == 0:
        n = random.randint(1, apples - 1)
        return "give", n, 0, apples - n
    divisors = [n for n in range(2, 10) if apples > 20 and apples % n == 0]
    if level >= 2 and divisors and random.random() < 0.4:
        n = random.choice(divisors)
        return "share", n, 0, apples // n
    if apples > 5 and random.random() < 0.5:
        n = random.randint(2, apples - 2)
        return "give", n, 0, apples - n
    n, m = random.randint(2, 4 + 3 * level), random.randint(3, 6 + 4 * level)
    return "buy", n, m, apples + n * m
