"""The caller's options as fields of OpenAI's chat completions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from services.router.pool.families import PRESETS, Family
from services.router.types.options import ToolChoiceMode

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange
    from services.router.types.options import GenerationOptions, JsonFormat, Tool

_NO_ARGUMENTS = {"type": "object", "properties": {}}
_FORMAT_NAME = "answer"
"""Name of a schema that has none, because some backends require one."""


def temperature(exchange: Exchange) -> float | None:
    """Returns the temperature to send: the caller's, else the pool's; None if none is sent."""
    own = exchange.options.temperature
    if own is None or exchange.model.shape.fixed_temperature:
        return exchange.model.sent_temperature
    return own


def sampling(exchange: Exchange) -> dict[str, Any]:
    """Returns how tokens are chosen, under the names that nearly all backends share."""
    options = exchange.options
    fields: dict[str, Any] = {"temperature": temperature(exchange), "seed": options.seed}
    if not exchange.model.shape.fixed_temperature:  # such models refuse these too
        fields |= {
            "top_p": options.top_p,
            "frequency_penalty": options.frequency_penalty,
            "presence_penalty": options.presence_penalty,
        }
    if exchange.model.preset is PRESETS[Family.MISTRAL_API]:
        fields["random_seed"] = fields.pop("seed")
    return {name: value for name, value in fields.items() if value is not None}


def log_probabilities(options: GenerationOptions) -> dict[str, Any]:
    """Returns the fields that ask for log probabilities."""
    count = options.top_log_probabilities
    if count is None:
        return {}
    return {"logprobs": True, "top_logprobs": count} if count else {"logprobs": True}


def schema_of(form: JsonFormat) -> Any:
    """Returns the schema of a JSON answer; None for any object."""
    return json.loads(form.schema_json) if form.schema_json else None


def response_format(options: GenerationOptions) -> dict[str, Any]:
    """Returns the field that asks for JSON."""
    form = options.json_format
    if form is None:
        return {}
    if not form.schema_json:
        return {"response_format": {"type": "json_object"}}
    schema: dict[str, Any] = {"name": form.name or _FORMAT_NAME, "schema": schema_of(form)}
    if form.description:
        schema["description"] = form.description
    if form.strict is not None:
        schema["strict"] = form.strict
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def tools(options: GenerationOptions) -> dict[str, Any]:
    """Returns the tools and the rule for their choice."""
    if not options.tools:
        return {}
    fields: dict[str, Any] = {"tools": [tool_of(tool) for tool in options.tools]}
    choice = options.tool_choice
    if choice is not None and choice.mode is ToolChoiceMode.TOOL:
        fields["tool_choice"] = {"type": "function", "function": {"name": choice.tool_name}}
    elif choice is not None:
        fields["tool_choice"] = choice.mode.value
    if options.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = options.parallel_tool_calls
    return fields


def tool_of(tool: Tool) -> dict[str, Any]:
    """Returns the description of a tool."""
    parameters = json.loads(tool.parameters_json) if tool.parameters_json else _NO_ARGUMENTS
    function: dict[str, Any] = {"name": tool.name, "parameters": parameters}
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def chosen_tools(options: GenerationOptions) -> tuple[Tool, ...]:
    """Returns the tools for a backend that cannot be told which one to call."""
    choice = options.tool_choice
    if choice is None or choice.mode is not ToolChoiceMode.TOOL:
        return options.tools
    return tuple(tool for tool in options.tools if tool.name == choice.tool_name)
