"""The text that other models read of an answer: its words, its calls to tools, or its refusal. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.router.routing.events import Answer
    from services.router.types.messages import ToolCall


def reference_text(answer: Answer) -> str:
    """Returns an answer as the text of a reference."""
    if answer.refusal:
        return f"(This assistant refuses to answer: {answer.refusal})"
    calls = "\n".join(map(call_text, answer.tool_calls))
    return "\n".join(part for part in (answer.text, calls) if part)


def call_text(call: ToolCall) -> str:
    """Returns a call to a tool as text; arguments that are no JSON stand as they are."""
    return f"(Calls the tool {json.dumps(call.name)} with the arguments {call.arguments_json})"
