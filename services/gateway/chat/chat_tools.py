"""Tools, the choice among them, and the form of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import to_json

from routemoa.v1 import generation_pb2
from services.gateway.fields import shown

if TYPE_CHECKING:
    from services.gateway.fields import Fields

_Options = generation_pb2.GenerationOptions
_MODES = {
    "none": generation_pb2.TOOL_CHOICE_MODE_NONE,
    "auto": generation_pb2.TOOL_CHOICE_MODE_AUTO,
    "required": generation_pb2.TOOL_CHOICE_MODE_REQUIRED,
}
_FORMATS = ("text", "json_object", "json_schema")


def read_tools(fields: Fields, options: _Options) -> None:
    """Reads the tools and the choice among them; records their problems."""
    for tool in fields.objects("tools"):
        kind = tool.required_text("type")
        if kind and kind != "function":
            tool.wrong("type", f"must be function, is {shown(kind)}")
            continue
        function = tool.object("function")
        if function is not None:
            options.tools.append(_tool(function))
        elif not tool.has("function"):
            tool.wrong("function", "is required")
    if fields.has("tool_choice"):
        _read_choice(fields, options.tool_choice)


def _tool(function: Fields) -> generation_pb2.Tool:
    return generation_pb2.Tool(
        name=function.required_text("name"),
        description=function.text("description") or "",
        parameters_json=_schema(function, "parameters"),
        strict=function.flag("strict"),
    )


def _read_choice(fields: Fields, choice: generation_pb2.ToolChoice) -> None:
    if isinstance(fields.values["tool_choice"], str):
        mode = fields.choice("tool_choice", tuple(_MODES))
        choice.mode = _MODES[mode or "auto"]
        return
    named = fields.object("tool_choice")
    if named is None:
        return
    kind = named.required_text("type")
    if kind and kind != "function":
        named.wrong("type", f"must be function, is {shown(kind)}")
        return
    function = named.object("function")
    choice.mode = generation_pb2.TOOL_CHOICE_MODE_TOOL
    if function is not None:
        choice.tool_name = function.required_text("name")
    elif not named.has("function"):
        named.wrong("function", "is required")


def read_response_format(fields: Fields, options: _Options) -> None:
    """Reads the form of the answer; records its problems."""
    given = fields.object("response_format")
    if given is None:
        return
    if not given.has("type"):
        given.wrong("type", "is required")
    kind = given.choice("type", _FORMATS)
    if kind == "json_object":
        options.response_format.json_object.SetInParent()
    if kind != "json_schema":
        return
    form = given.object("json_schema")
    if form is None:
        if not given.has("json_schema"):
            given.wrong("json_schema", "is required")
        return
    wanted = options.response_format.json_schema
    wanted.name = form.required_text("name")
    wanted.description = form.text("description") or ""
    wanted.schema_json = _schema(form, "schema")
    if not form.has("schema"):
        form.wrong("schema", "is required")
    strict = form.flag("strict")
    if strict is not None:
        wanted.strict = strict


def _schema(fields: Fields, name: str) -> str:
    schema = fields.object(name)
    return "" if schema is None else to_json(schema.values).decode()
