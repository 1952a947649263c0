"""Reads the tools of a request, and the choice among them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from routemoa.v1 import generation_pb2 as pb
from services.router.contract.limits import MAX_TOOL_CHARACTERS, MAX_TOOLS
from services.router.types.json_schema import SchemaError, compile_schema
from services.router.types.options import Tool, ToolChoice, ToolChoiceMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.rpc.validation import Violations

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MODES = {
    pb.TOOL_CHOICE_MODE_UNSPECIFIED: ToolChoiceMode.AUTO,
    pb.TOOL_CHOICE_MODE_AUTO: ToolChoiceMode.AUTO,
    pb.TOOL_CHOICE_MODE_NONE: ToolChoiceMode.NONE,
    pb.TOOL_CHOICE_MODE_REQUIRED: ToolChoiceMode.REQUIRED,
    pb.TOOL_CHOICE_MODE_TOOL: ToolChoiceMode.TOOL,
}


def check_tool_name(field: str, name: str, violations: Violations) -> None:
    """Checks the name of a tool or of a response format."""
    if _NAME.fullmatch(name) is None:
        violations.add(field, "must have 1 to 64 letters, digits, _ or -")


def read_tools(field: str, tools: Sequence[pb.Tool], violations: Violations) -> tuple[Tool, ...]:
    """Returns the tools; records their violations."""
    violations.length(field, tools, 0, MAX_TOOLS)
    characters = sum(len(tool.description) + len(tool.parameters_json) for tool in tools)
    if characters > MAX_TOOL_CHARACTERS:
        text = f"must have at most {MAX_TOOL_CHARACTERS:,} characters in all, have {characters:,}"
        violations.add(field, text)
        return ()  # so much is not compiled
    read: dict[str, Tool] = {}
    for number, message in enumerate(tools[:MAX_TOOLS]):
        within = f"{field}[{number}]"
        check_tool_name(f"{within}.name", message.name, violations)
        if message.name in read:
            violations.add(f"{within}.name", "is another tool's name too")
        _check_parameters(f"{within}.parameters_json", message.parameters_json, violations)
        read[message.name] = Tool(
            name=message.name,
            description=message.description,
            parameters_json=message.parameters_json,
            strict=message.strict if message.HasField("strict") else None,
        )
    return tuple(read.values())


def _check_parameters(field: str, text: str, violations: Violations) -> None:
    if not text.strip():
        return
    try:
        types = compile_schema(text).document.get("type", "object")
    except SchemaError as error:
        violations.add(field, str(error))
        return
    if "object" not in (types if isinstance(types, list) else [types]):
        violations.add(field, "must describe an object")


def read_tool_choice(
    field: str, message: pb.ToolChoice, tools: Sequence[pb.Tool], violations: Violations
) -> ToolChoice:
    """Returns the choice of a tool; records its violations."""
    mode, name = _MODES.get(message.mode), message.tool_name
    if mode is None:
        violations.add(f"{field}.mode", f"must be a known mode, is {message.mode}")
    if not tools:
        violations.add(field, "needs tools")
    elif mode is ToolChoiceMode.TOOL and name not in {tool.name for tool in tools}:
        violations.add(f"{field}.tool_name", "must be the name of a tool of the request")
    if name and mode is not ToolChoiceMode.TOOL:
        violations.add(f"{field}.tool_name", "is for the mode TOOL_CHOICE_MODE_TOOL alone")
    return ToolChoice(mode=mode or ToolChoiceMode.AUTO, tool_name=name)
