"""Gives a source of texts the abilities of newer models: tools, JSON, images and reasoning."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from services.simulator.abilities.sample_value import sample_value
from services.simulator.abilities.tool_rule import tool_calls
from services.simulator.call import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.simulator.call import AnswerSource, Call, Reference

_ASSESSMENT = "\n@@assessment "


class AbleAnswers:
    """Calls tools, writes JSON, counts images and reasons where a request asks for it.

    All else is the reply of the source.
    """

    def __init__(self, source: AnswerSource) -> None:
        self._source = source

    @property
    def models(self) -> Sequence[str]:
        """The models of the source."""
        return self._source.models

    def reply(self, call: Call) -> Reply:
        """Returns the reply to a call; see `AnswerSource`."""
        calls = tool_calls(call)
        reply = Reply(text="", tool_calls=calls) if calls else self._answer(call)
        effort = call.options.reasoning_effort
        if effort and effort != "none":
            reply = replace(reply, reasoning=f"Simulated reasoning with {effort} effort. ")
        return reply

    def _answer(self, call: Call) -> Reply:
        results = [message.content for message in call.messages if message.role == "tool"]
        if call.messages[-1].role == "tool":
            reply = Reply(text=f"The tool says: {results[-1]}")
        else:
            reply = self._source.reply(_without_json(call))
        media = [medium for message in call.messages for medium in message.media]
        if media:
            reply = replace(reply, text=f"{reply.text} (I was given: {', '.join(media)}.)")
        schema = call.options.json_schema
        if schema is None:
            return reply
        text, mark, assessment = reply.text.partition(_ASSESSMENT)
        fields = {"type": "object", "properties": {"answer": {"type": "string"}}}
        value = sample_value(fields if schema == {"type": "object"} else schema, text)
        return replace(reply, text=f"{json.dumps(value)}{mark}{assessment}")


def _without_json(call: Call) -> Call:
    """Returns the call with the longest text of each reference in its place, if that is JSON."""
    references = tuple(replace(r, text=_longest_text(r)) for r in call.references)
    return replace(call, references=references)


def _longest_text(reference: Reference) -> str:
    try:
        value = json.loads(reference.text)
    except ValueError:
        return reference.text
    texts = value.values() if isinstance(value, dict) else [value]
    return max((text for text in texts if isinstance(text, str)), key=len, default=reference.text)
