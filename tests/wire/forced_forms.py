"""Replies whose form the server forces, so that any model gives them: tool calls and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from services.router.types.messages import Message, Role
from services.router.types.options import (
    GenerationOptions,
    JsonFormat,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from tests.wire.attempt import attempt

if TYPE_CHECKING:
    from services.router.pool.model import PoolModel
    from services.router.types.messages import ToolCall

_ANIMALS = ["spider", "insect"]
_SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"animal": {"type": "string", "enum": _ANIMALS}},
        "required": ["animal"],
        "additionalProperties": False,
    }
)
COUNT = Tool(name="count_legs", description="Counts legs.", parameters_json=_SCHEMA, strict=True)
WEIGH = Tool(name="weigh", description="Weighs an animal.", parameters_json=_SCHEMA, strict=True)
NAMED = ToolChoice(mode=ToolChoiceMode.TOOL, tool_name=COUNT.name)
REQUIRED = ToolChoice(mode=ToolChoiceMode.REQUIRED)


async def check_forced_call(model: PoolModel, choice: ToolChoice) -> ToolCall:
    """Checks that a call that the choice demands arrives whole and alone, and returns it."""
    options = GenerationOptions(tools=(COUNT, WEIGH), tool_choice=choice, parallel_tool_calls=False)
    attempted = await attempt(model, options=options)
    assert attempted.failure is None
    (call,) = attempted.others.tool_calls
    assert call.id
    assert call.name in ([choice.tool_name] if choice.tool_name else [COUNT.name, WEIGH.name])
    assert json.loads(call.arguments_json)["animal"] in _ANIMALS
    assert attempted.shown == ""
    return call


async def check_result_is_taken(model: PoolModel, call: ToolCall) -> None:
    """Checks that the server accepts a conversation with a call and its result."""
    messages = (
        Message(role=Role.USER, content="How many legs has a spider?"),
        Message(role=Role.ASSISTANT, content="", tool_calls=(call,)),
        Message(role=Role.TOOL, content="8", tool_call_id=call.id),
    )
    options = GenerationOptions(tools=(COUNT,))
    attempted = await attempt(model, messages=messages, options=options)
    assert attempted.failure is None


async def check_free_choice(model: PoolModel) -> None:
    """Checks that tools which need not be called are accepted."""
    options = GenerationOptions(tools=(COUNT,), tool_choice=ToolChoice())
    attempted = await attempt(model, options=options)
    assert attempted.failure is None
    assert attempted.shown or attempted.others.tool_calls


async def check_schema(model: PoolModel) -> None:
    """Checks that an answer keeps to its schema."""
    options = GenerationOptions(json_format=JsonFormat(name="legs", schema_json=_SCHEMA))
    attempted = await attempt(model, options=options)
    assert attempted.failure is None
    assert json.loads(attempted.shown)["animal"] in _ANIMALS


async def check_log_probabilities(model: PoolModel) -> None:
    """Checks that log probabilities come with the tokens."""
    options = GenerationOptions(top_log_probabilities=3, max_output_tokens=5)
    attempted = await attempt(model, options=options)
    assert attempted.failure is None
    tokens = attempted.others.log_probabilities
    assert 0 < len(tokens) <= 5
    assert all(token.log_probability <= 0 for token in tokens)
