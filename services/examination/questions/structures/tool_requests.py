"""Tools that a model may call, and requests for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.examination.questions.question import Tool
from services.examination.questions.vocabulary import CITIES, NAMES, Texts

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random


def _parameters(**types: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in types.items()},
        "required": list(types),
        "additionalProperties": False,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRequest:
    """A tool, a request that needs it, and arguments by chance."""

    tool: Tool
    said: Texts
    arguments: Callable[[Random], dict[str, Any]]


REQUESTS = (
    ToolRequest(
        tool=Tool(
            name="start_timer",
            description="Starts a timer with a number.",
            parameters=_parameters(number="integer", minutes="integer"),
        ),
        said={
            "en": "Start timer {number} for {minutes} minutes.",
            "de": "Starte Timer {number} für {minutes} Minuten.",
            "fr": "Lance le minuteur {number} pour {minutes} minutes.",
            "es": "Inicia el temporizador {number} durante {minutes} minutos.",
        },
        arguments=lambda random: {
            "number": random.randint(1, 99),
            "minutes": random.randint(2, 99),
        },
    ),
    ToolRequest(
        tool=Tool(
            name="stop_timer",
            description="Stops the timer with a number after a delay.",
            parameters=_parameters(number="integer", delay_seconds="integer"),
        ),
        said={
            "en": "Stop timer {number} in {delay_seconds} seconds.",
            "de": "Stoppe Timer {number} in {delay_seconds} Sekunden.",
            "fr": "Arrête le minuteur {number} dans {delay_seconds} secondes.",
            "es": "Para el temporizador {number} dentro de {delay_seconds} segundos.",
        },
        arguments=lambda random: {
            "number": random.randint(1, 99),
            "delay_seconds": random.randint(2, 99),
        },
    ),
    ToolRequest(
        tool=Tool(
            name="book_table",
            description="Books a table in a city for a number of guests, under a name.",
            parameters=_parameters(city="string", guests="integer", name="string"),
        ),
        said={
            "en": "Book a table for {guests} in {city} under the name {name}.",
            "de": "Reserviere in {city} einen Tisch für {guests} auf den Namen {name}.",
            "fr": "Réserve une table pour {guests} à {city} au nom de {name}.",
            "es": "Reserva una mesa para {guests} en {city} a nombre de {name}.",
        },
        arguments=lambda random: {
            "city": random.choice(CITIES),
            "guests": random.randint(2, 40),
            "name": random.choice(NAMES),
        },
    ),
    ToolRequest(
        tool=Tool(
            name="send_money",
            description="Sends euros from one person to another.",
            parameters=_parameters(sender="string", receiver="string", euros="integer"),
        ),
        said={
            "en": "Let {receiver} get {euros} euros from {sender}.",
            "de": "{receiver} soll von {sender} {euros} Euro bekommen.",
            "fr": "Fais parvenir à {receiver} {euros} euros envoyés par {sender}.",
            "es": "Haz que {receiver} reciba {euros} euros de {sender}.",
        },
        arguments=lambda random: dict(
            zip(("sender", "receiver"), random.sample(NAMES, 2), strict=True),
            euros=random.randint(2, 999),
        ),
    ),
    ToolRequest(
        tool=Tool(
            name="ask_money",
            description="Asks a person to pay euros to another one by a number of days from now.",
            parameters=_parameters(
                payer="string", receiver="string", euros="integer", days="integer"
            ),
        ),
        said={
            "en": "Ask {payer} to pay {euros} euros to {receiver} within {days} days.",
            "de": "Bitte {payer}, binnen {days} Tagen {euros} Euro an {receiver} zu zahlen.",
            "fr": "Demande à {payer} de payer {euros} euros à {receiver} d'ici {days} jours.",
            "es": "Pide a {payer} que pague {euros} euros a {receiver} en {days} días.",
        },
        arguments=lambda random: dict(
            zip(("payer", "receiver"), random.sample(NAMES, 2), strict=True),
            euros=random.randint(2, 999),
            days=random.randint(2, 60),
        ),
    ),
)
