"""Tools of the Messages API -> tools of the contract. The caller's own alone: no tool runs here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.v1 import generation_pb2

if TYPE_CHECKING:
    from services.gateway.requests.fields import Fields

_MODES = {
    "auto": generation_pb2.TOOL_CHOICE_MODE_AUTO,
    "any": generation_pb2.TOOL_CHOICE_MODE_REQUIRED,
    "tool": generation_pb2.TOOL_CHOICE_MODE_TOOL,
    "none": generation_pb2.TOOL_CHOICE_MODE_NONE,
}


def read_tools(fields: Fields, options: generation_pb2.GenerationOptions) -> None:
    """Reads the tools and the choice among them into the options."""
    for tool in fields.objects("tools"):
        kind = tool.text("type", "custom")
        if kind == "custom":
            options.tools.append(_custom(tool))
        else:
            tool.problem("type", "only tools of type `custom` are supported: none runs here")
    choice = fields.nested("tool_choice")
    if choice is None:
        return
    kind = choice.choice("type", _MODES, "auto")
    # `auto` and `none` without tools ask for nothing
    if options.tools or kind in ("any", "tool"):
        options.tool_choice.mode = _MODES[kind]
    if kind == "tool":
        options.tool_choice.tool_name = choice.required_text("name")
    one_at_a_time = choice.boolean("disable_parallel_tool_use")
    if one_at_a_time is not None and options.tools:
        options.parallel_tool_calls = not one_at_a_time


def _custom(tool: Fields) -> generation_pb2.Tool:
    if not tool.has("input_schema"):
        tool.problem("input_schema", "is required")
    return generation_pb2.Tool(
        name=tool.required_text("name"),
        description=tool.text("description"),
        parameters_json=tool.json_text("input_schema"),
        strict=tool.boolean("strict"),
    )
