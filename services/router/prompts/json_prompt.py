"""Asks for JSON in words, for models whose backend takes no response format. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.router.pool.request_shape import SystemRole
from services.router.types.messages import Message, Role
from services.router.types.options import Capability, JsonFormat

if TYPE_CHECKING:
    from services.router.pool.model import PoolModel
    from services.router.types.options import GenerationOptions

_OBJECT = "Answer with one JSON object and nothing else: no code fence and no words around it."
_SCHEMA = """\
Answer with JSON alone that keeps to the JSON schema below: no code fence and no words around it.
{schema}"""
_OF_OBJECTS = '"type":"object"'


def in_words(
    messages: tuple[Message, ...], options: GenerationOptions, model: PoolModel
) -> tuple[tuple[Message, ...], GenerationOptions]:
    """Returns messages that ask for JSON, and options with no more than the model can do."""
    abilities = model.abilities
    form = options.json_format
    if form is None:
        return messages, options
    needed = Capability.JSON_SCHEMA if form.schema_json else Capability.JSON_OBJECT
    if needed in abilities:
        return messages, options
    text = _SCHEMA.format(schema=form.schema_json) if form.schema_json else _OBJECT
    of_objects = _OF_OBJECTS in "".join(form.schema_json.split())
    rest = JsonFormat() if of_objects and Capability.JSON_OBJECT in abilities else None
    if model.shape.system_role is SystemRole.NONE:  # system texts are left out, but not the form
        return _with_user(messages, text), replace(options, json_format=rest)
    return _with_system(messages, text), replace(options, json_format=rest)


def _with_system(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    if messages and messages[0].role is Role.SYSTEM:
        return (messages[0].with_text(f"\n\n{text}"), *messages[1:])
    return (Message(role=Role.SYSTEM, content=text), *messages)


def _with_user(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """Returns the messages with a text at the start of the user's first."""
    first = next(n for n, message in enumerate(messages) if message.role is Role.USER)
    asked = messages[first]
    parts = (text, *asked.parts) if asked.parts else ()
    told = replace(asked, content=f"{text}\n\n{asked.content}", parts=parts)
    return (*messages[:first], told, *messages[first + 1 :])
