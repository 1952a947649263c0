"""Tools of the Messages API -> tools of the contract. The caller's own alone: no tool runs here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.v1 import generation_pb2
from services.gateway.requests.json_values import json_text

if TYPE_CHECKING:
    from services.gateway.fields import Fields

_MODES = {
    "auto": generation_pb2.TOOL_CHOICE_MODE_AUTO,
    "any": generation_pb2.TOOL_CHOICE_MODE_REQUIRED,
    "tool": generation_pb2.TOOL_CHOICE_MODE_TOOL,
    "none": generation_pb2.TOOL_CHOICE_MODE_NONE,
}


def read_tools(fields: Fields, options: generation_pb2.GenerationOptions) -> None:
    """Reads the tools and the choice among them into the options."""
    for tool in fields.objects("tools"):
        kind = tool.text("type") or "custom"
        if kind == "custom":
            options.tools.append(_custom(tool))
        else:
            tool.wrong("type", "only tools of type `custom` are supported: none runs here")
    choice = fields.object("tool_choice")
    if choice is None:
        return
    kind = choice.choice("type", [*_MODES]) or "auto"
    # `auto` and `none` without tools ask for nothing
    if options.tools or kind in ("any", "tool"):
        options.tool_choice.mode = _MODES[kind]
    if kind == "tool":
        options.tool_choice.tool_name = choice.required_text("name")
    one_at_a_time = choice.flag("disable_parallel_tool_use")
    if one_at_a_time is not None and options.tools:
        options.parallel_tool_calls = not one_at_a_time


def _custom(tool: Fields) -> generation_pb2.Tool:
    if not tool.has("input_schema"):
        tool.wrong("input_schema", "is required")
    return generation_pb2.Tool(
        name=tool.required_text("name"),
        description=tool.text("description") or "",
        parameters_json=json_text(tool, "input_schema"),
        strict=tool.flag("strict"),
    )
