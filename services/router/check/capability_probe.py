"""Finds out by short test calls what a model can do beside text."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Protocol

from services.router.types.json_schema import compile_schema
from services.router.types.json_text import JsonTextError, read_json
from services.router.types.messages import Media, MediaKind, Message, Role
from services.router.types.options import (
    NO_OPTIONS,
    Capability,
    GenerationOptions,
    JsonFormat,
    Tool,
    in_order,
)
from services.router.types.pieces import LogProbabilitiesPiece, ToolCallPiece

if TYPE_CHECKING:
    from services.router.check.proposal import TestCall
    from services.router.pool.model import PoolModel

PROBED = frozenset(
    {
        Capability.TOOLS,
        Capability.PARALLEL_TOOLS,
        Capability.JSON_OBJECT,
        Capability.JSON_SCHEMA,
        Capability.IMAGES,
        Capability.LOG_PROBABILITIES,
    }
)
"""The capabilities that a test call can show; the pool file alone knows of the others."""
_SCHEMA = (
    '{"type": "object", "properties": {"legs_of_a_spider": {"type": "integer"}},'
    ' "required": ["legs_of_a_spider"], "additionalProperties": false}'
)
_TOOL = Tool(
    name="get_weather",
    description="Returns the weather of a city.",
    parameters_json='{"type": "object", "properties": {"city": {"type": "string"}},'
    ' "required": ["city"]}',
)
_TOOL_PROMPT = (
    "Call get_weather once for the city of Paris and once for Rome, both in this one reply."
)
_PLAIN_PROMPT = "How many legs has a spider? Reply in plain words; do not write JSON."
_IMAGE_PROMPT = "Which colour is this? One word."
_IMAGE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A PNG of one pixel."""


class Probe(Protocol):
    """Makes a test call."""

    async def __call__(self, messages: tuple[Message, ...], options: GenerationOptions) -> TestCall:
        """Asks for a short reply."""
        ...


async def found_capabilities(probe: Probe) -> frozenset[Capability]:
    """Returns those of `PROBED` that a model showed in five test calls."""
    found = set(await _tools(probe))
    if await _writes_json(probe, JsonFormat()):
        found.add(Capability.JSON_OBJECT)
    if await _writes_json(probe, JsonFormat(schema_json=_SCHEMA, name="legs", strict=True)):
        found.add(Capability.JSON_SCHEMA)
    image = Media(kind=MediaKind.IMAGE, data=_IMAGE, media_type="image/png", detail="low")
    seen = Message(role=Role.USER, content=_IMAGE_PROMPT, parts=(_IMAGE_PROMPT, image))
    if (await probe((seen,), NO_OPTIONS)).answered:
        found.add(Capability.IMAGES)
    call = await probe(_asked(_PLAIN_PROMPT), GenerationOptions(top_log_probabilities=1))
    if any(isinstance(piece, LogProbabilitiesPiece) for piece in call.pieces):
        found.add(Capability.LOG_PROBABILITIES)
    return frozenset(found)


def proposed_capabilities(model: PoolModel, found: frozenset[Capability]) -> tuple[str, ...] | None:
    """Returns the list that the pool file should have; None if it is right as it is."""
    right = found | (model.abilities - PROBED)
    if right == model.abilities:
        return None
    return tuple(capability.value for capability in in_order(right))


def _asked(text: str) -> tuple[Message, ...]:
    return (Message(role=Role.USER, content=text),)


async def _tools(probe: Probe) -> tuple[Capability, ...]:
    call = await probe(_asked(_TOOL_PROMPT), GenerationOptions(tools=(_TOOL,)))
    if not call.answered:
        return ()
    pieces = [piece for piece in call.pieces if isinstance(piece, ToolCallPiece)]
    if not any(piece.name == _TOOL.name for piece in pieces):
        return ()
    several = len({piece.call_index for piece in pieces}) > 1
    return (Capability.TOOLS, Capability.PARALLEL_TOOLS) if several else (Capability.TOOLS,)


async def _writes_json(probe: Probe, form: JsonFormat) -> bool:
    """Returns whether the backend holds a model to JSON that it was asked not to write."""
    call = await probe(_asked(_PLAIN_PROMPT), GenerationOptions(json_format=form))
    if not call.answered:
        return False
    try:
        value = read_json("".join(piece for piece in call.pieces if isinstance(piece, str)))
    except JsonTextError:
        return False
    if not form.schema_json:
        return isinstance(value, dict)
    return not compile_schema(form.schema_json).problems(value)
