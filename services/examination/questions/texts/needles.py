"""Numbers in a long text; a level is three times as long, with more numbers beside the right one."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.checkers.number_answer import NumberAnswer
from services.examination.questions.question import Draft
from services.examination.questions.vocabulary import (
    CITIES,
    NAMES,
    Language,
    Texts,
    answer_line,
    invented_words,
    with_ending,
)

if TYPE_CHECKING:
    from random import Random

SENTENCES = (4, 20, 60, 180, 540, 1_620)
"""Sentences of the text by level: 60 to 20,000 words."""

_FILLER: Texts = {
    "en": "On the way to {city}, {name} talked with {other} about the weather and the old bridge.",
    "de": "Auf dem Weg nach {city} sprach {name} mit {other} über das Wetter und die alte Brücke.",
    "fr": "En route vers {city}, {name} parla avec {other} du temps et du vieux pont.",
    "es": "De camino a {city}, {name} habló con {other} del tiempo y del viejo puente.",
}
_NEEDLE: Texts = {
    "en": "The box named {box} holds {n} coins.",
    "de": "Die Kiste namens {box} enthält {n} Münzen.",
    "fr": "La boîte nommée {box} contient {n} pièces.",
    "es": "La caja llamada {box} contiene {n} monedas.",
}
_ASK: Texts = {
    "en": "How many coins do these boxes hold together: {boxes}?",
    "de": "Wie viele Münzen enthalten diese Kisten zusammen: {boxes}?",
    "fr": "Combien de pièces ces boîtes contiennent-elles en tout : {boxes} ?",
    "es": "¿Cuántas monedas contienen en total estas cajas: {boxes}?",
}


def needles(random: Random, level: int, language: Language) -> Draft:
    """Asks for numbers that stand far apart."""
    sentences = []
    for _ in range(SENTENCES[level]):
        name, other = random.sample(NAMES, 2)
        city = random.choice(CITIES)
        sentences.append(_FILLER[language].format(city=city, name=name, other=other))
    boxes = {box: random.randint(101, 9_999) for box in invented_words(random, max(2 * level, 1))}
    for box, n in boxes.items():
        sentences.insert(random.randint(0, len(sentences)), _NEEDLE[language].format(box=box, n=n))
    asked = random.sample(sorted(boxes), 1 + level // 2)
    total = sum(boxes[box] for box in asked)
    ask = _ASK[language].format(boxes=", ".join(asked))
    return Draft(
        prompt=with_ending(language, " ".join(sentences), ask),
        checker=NumberAnswer(Fraction(total), language),
        reference=Reply(answer_line(language, total)),
    )
