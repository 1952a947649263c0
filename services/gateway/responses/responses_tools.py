"""Tools of the Responses API -> tools of the contract. Functions alone: no tool runs here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.v1 import generation_pb2
from services.gateway.requests.json_values import json_text

if TYPE_CHECKING:
    from services.gateway.fields import Fields

_MODES = {
    "none": generation_pb2.TOOL_CHOICE_MODE_NONE,
    "auto": generation_pb2.TOOL_CHOICE_MODE_AUTO,
    "required": generation_pb2.TOOL_CHOICE_MODE_REQUIRED,
}


def read_tools(fields: Fields, options: generation_pb2.GenerationOptions) -> None:
    """Reads the tools and the choice among them into the options."""
    for tool in fields.objects("tools"):
        kind = tool.required_text("type")
        if kind == "function":
            options.tools.append(_function(tool))
        elif kind:
            tool.wrong("type", "only tools of type `function` are supported: none runs here")
    _read_choice(fields, options)
    parallel = fields.flag("parallel_tool_calls")
    if parallel is not None and options.tools:
        options.parallel_tool_calls = parallel


def _function(tool: Fields) -> generation_pb2.Tool:
    return generation_pb2.Tool(
        name=tool.required_text("name"),
        description=tool.text("description") or "",
        parameters_json=json_text(tool, "parameters"),
        strict=tool.flag("strict"),
    )


def _read_choice(fields: Fields, options: generation_pb2.GenerationOptions) -> None:
    if isinstance(fields.values.get("tool_choice"), str):
        mode = _MODES[fields.choice("tool_choice", [*_MODES]) or "auto"]
        # `auto` and `none` without tools ask for nothing
        if options.tools or mode == generation_pb2.TOOL_CHOICE_MODE_REQUIRED:
            options.tool_choice.mode = mode
        return
    choice = fields.object("tool_choice")
    if choice is None:
        return
    kind = choice.required_text("type")
    if kind == "function":
        options.tool_choice.mode = generation_pb2.TOOL_CHOICE_MODE_TOOL
        options.tool_choice.tool_name = choice.required_text("name")
    elif kind == "allowed_tools":
        _keep_allowed(choice, options)
    elif kind:
        choice.wrong("type", "must be `function` or `allowed_tools`")


def _keep_allowed(choice: Fields, options: generation_pb2.GenerationOptions) -> None:
    """Leaves out the tools that the choice does not allow."""
    allowed = {tool.required_text("name") for tool in choice.objects("tools")}
    kept = [tool for tool in options.tools if tool.name in allowed]
    missing = sorted(allowed - {tool.name for tool in kept} - {""})
    if missing:
        choice.wrong("tools", f"must be in `tools`: {', '.join(missing)}")
    del options.tools[:]
    options.tools.extend(kept)
    options.tool_choice.mode = _MODES[choice.choice("mode", ("auto", "required")) or "auto"]
