"""Requests for calls of tools; a level has more tools, and more calls from 3 on.

Level 0 names the tool and its arguments.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from services.examination.questions.checkers.call_answer import CallAnswer, ExpectedCall
from services.examination.questions.checkers.checker import Reply, ToolCall
from services.examination.questions.question import Draft
from services.examination.questions.structures.tool_requests import REQUESTS

if TYPE_CHECKING:
    from random import Random

    from services.examination.questions.vocabulary import Language, Texts

_ASK: Texts = {
    "en": "Use the tools:",
    "de": "Benutze die Werkzeuge:",
    "fr": "Utilise les outils :",
    "es": "Usa las herramientas:",
}
_ASK_BY_NAME: Texts = {
    "en": "Call {tool} with {arguments}.",
    "de": "Rufe {tool} mit {arguments} auf.",
    "fr": "Appelle {tool} avec {arguments}.",
    "es": "Llama a {tool} con {arguments}.",
}
_CALL_COUNTS = (1, 1, 1, 2, 3, 5)


def tool_calls(random: Random, level: int, language: Language) -> Draft:
    """Asks for what only tools can do."""
    offered = random.sample(REQUESTS[: 2 if level == 0 else None], max(level, 1))
    expected, said = [], []
    for _ in range(_CALL_COUNTS[level]):
        request = random.choice(offered)
        arguments = request.arguments(random)
        expected.append(ExpectedCall(request.tool.name, arguments))
        if level == 0:
            named = ", ".join(f"{name}={value}" for name, value in arguments.items())
            text = _ASK_BY_NAME[language].format(tool=request.tool.name, arguments=named)
        else:
            text = request.said[language].format(**arguments)
        said.append(text)
    calls = tuple(ToolCall(each.name, json.dumps(each.arguments)) for each in expected)
    return Draft(
        prompt=" ".join((*([_ASK[language]] if level else []), *said)),
        checker=CallAnswer(tuple(expected)),
        reference=Reply(tool_calls=calls),
        tools=tuple(request.tool for request in offered),
    )
