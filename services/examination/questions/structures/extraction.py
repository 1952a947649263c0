"""The facts of a note as JSON; a level has more fields, from one at level 0, and a list from 4 on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.checkers.json_answer import JsonAnswer
from services.examination.questions.question import Draft
from services.examination.questions.vocabulary import (
    CITIES,
    NAMES,
    WEEKDAYS,
    Language,
    Texts,
    invented_words,
)

if TYPE_CHECKING:
    from random import Random

_ASK: Texts = {
    "en": "Reply with the facts of the note as one JSON object under this schema:",
    "de": "Antworte mit den Angaben der Notiz als ein JSON-Objekt nach diesem Schema:",
    "fr": "Réponds par les faits de la note en un objet JSON selon ce schéma :",
    "es": "Responde con los datos de la nota como un objeto JSON según este esquema:",
}
_NOTE: Texts = {
    "en": "{buyer} called from {city}. Order number {order} is meant for {receiver} and has to be "
    "there by {weekday}. {paid}",
    "de": "{buyer} hat aus {city} angerufen. Bestellung Nummer {order} ist für {receiver} und muss "
    "bis {weekday} da sein. {paid}",
    "fr": "{buyer} a appelé depuis {city}. La commande numéro {order} est destinée à {receiver} et "
    "doit arriver avant {weekday}. {paid}",
    "es": "{buyer} llamó desde {city}. El pedido número {order} es para {receiver} y tiene que "
    "llegar antes del {weekday}. {paid}",
}
_PAID: dict[bool, Texts] = {
    True: {
        "en": "It is paid.",
        "de": "Sie ist bezahlt.",
        "fr": "Elle est payée.",
        "es": "Está pagado.",
    },
    False: {
        "en": "It is not paid yet.",
        "de": "Sie ist noch nicht bezahlt.",
        "fr": "Elle n'est pas encore payée.",
        "es": "Aún no está pagado.",
    },
}
_ITEM: Texts = {
    "en": "It has {n} pieces of {item} at {price} euros each.",
    "de": "Darin sind {n} Stück {item} zu je {price} Euro.",
    "fr": "Il y a {n} pièces de {item} à {price} euros chacune.",
    "es": "Lleva {n} piezas de {item} a {price} euros cada una.",
}
_TYPES = {
    "receiver": "string",
    "order": "integer",
    "city": "string",
    "paid": "boolean",
    "buyer": "string",
    "weekday": "string",
}
_FIELD_COUNTS = (1, 2, 3, 4, 5, 6)
_ITEMS_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "item": {"type": "string"},
            "pieces": {"type": "integer"},
            "euros": {"type": "integer"},
        },
        "required": ["item", "pieces", "euros"],
        "additionalProperties": False,
    },
}


def extraction(random: Random, level: int, language: Language) -> Draft:
    """Asks for fields of a note."""
    buyer, receiver = random.sample(NAMES, 2)
    facts: dict[str, Any] = {
        "receiver": receiver,
        "order": random.randint(1_000, 99_999),
        "city": random.choice(CITIES),
        "paid": random.random() < 0.5,
        "buyer": buyer,
        "weekday": random.choice(WEEKDAYS[language]),
    }
    note = _NOTE[language].format(**facts | {"paid": _PAID[facts["paid"]][language]})
    names = random.sample(sorted(_TYPES), _FIELD_COUNTS[level])
    properties: dict[str, Any] = {name: {"type": _TYPES[name]} for name in names}
    expected = {name: facts[name] for name in names}
    if level >= 4:
        items = _items(random, 2 * level - 5)
        properties["items"] = _ITEMS_SCHEMA
        expected["items"] = items
        said = (
            _ITEM[language].format(n=each["pieces"], item=each["item"], price=each["euros"])
            for each in items
        )
        note = " ".join((note, *said))
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return Draft(
        prompt="\n\n".join((note, _ASK[language], json.dumps(schema))),
        checker=JsonAnswer(expected),
        reference=Reply(json.dumps(expected, ensure_ascii=False)),
        schema=schema,
    )


def _items(random: Random, count: int) -> list[dict[str, Any]]:
    return [
        {"item": item, "pieces": random.randint(2, 99), "euros": random.randint(2, 99)}
        for item in invented_words(random, count)
    ]
