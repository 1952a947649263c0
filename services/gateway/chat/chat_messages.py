"""Messages of a chat -> the conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.v1 import model_pb2
from services.gateway.chat.chat_parts import read_parts
from services.gateway.fields import kind_of, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.gateway.fields import Fields

_ROLES = {
    "system": model_pb2.ROLE_SYSTEM,
    "developer": model_pb2.ROLE_SYSTEM,
    "user": model_pb2.ROLE_USER,
    "assistant": model_pb2.ROLE_ASSISTANT,
    "tool": model_pb2.ROLE_TOOL,
}
_KNOWN = {"role", "content", "name", "metadata", "options"}
"""The last two are notes of Gradio's chat pages, which are ignored."""
_OF_ASSISTANT = {
    "annotations",
    "audio",
    "function_call",
    "parsed",
    "reasoning",
    "reasoning_content",
    "refusal",
    "tool_calls",
}
"""Replies come back with all that they held, so what is not read is ignored."""


def read_messages(body: Fields) -> list[model_pb2.Message]:
    """Returns the messages; records their problems."""
    if not body.has("messages"):
        body.wrong("messages", "is required")
    return [_message(fields) for fields in body.objects("messages")]


def _message(fields: Fields) -> model_pb2.Message:
    name = fields.required_text("role")
    role = _ROLES.get(name, model_pb2.ROLE_UNSPECIFIED)
    if name == "function":
        fields.wrong("role", "function is deprecated by OpenAI; use tool")
    elif name and not role:
        fields.wrong("role", f"must be one of {', '.join(_ROLES)}, is {shown(name)}")
    of_assistant = role == model_pb2.ROLE_ASSISTANT
    of_tool = role == model_pb2.ROLE_TOOL
    known = _KNOWN | (_OF_ASSISTANT if of_assistant else set())
    for unknown in fields.unknown(known | ({"tool_call_id"} if of_tool else set())):
        if role:
            fields.wrong(shown(unknown), f"is not known of a message with the role {name}")
    message = model_pb2.Message(role=role)
    if of_tool:
        message.tool_call_id = fields.required_text("tool_call_id")
    if of_assistant:
        message.tool_calls.extend(_tool_calls(fields))
    _read_content(fields, message)
    return message


def _read_content(fields: Fields, message: model_pb2.Message) -> None:
    content = fields.values.get("content")
    refusal = fields.text("refusal") if message.role == model_pb2.ROLE_ASSISTANT else None
    if content is None and refusal:
        content = refusal
    if isinstance(content, str):
        message.content = content
    elif isinstance(content, list):
        parts = read_parts(fields)
        if len(parts) == 1 and parts[0].HasField("text"):
            message.content = parts[0].text
        else:
            message.parts.parts.extend(parts)
    elif content is not None:
        fields.wrong("content", f"must be a string or a list of parts, is {kind_of(content)}")
    elif message.role != model_pb2.ROLE_ASSISTANT:
        fields.wrong("content", "is required")


def _tool_calls(fields: Fields) -> Sequence[model_pb2.ToolCall]:
    if fields.has("function_call"):
        fields.wrong("function_call", "is deprecated by OpenAI; use tool_calls")
    if fields.has("audio"):
        fields.wrong("audio", "is not supported")
    return [_tool_call(call) for call in fields.objects("tool_calls")]


def _tool_call(fields: Fields) -> model_pb2.ToolCall:
    fields.choice("type", ("function",))
    call = model_pb2.ToolCall(tool_call_id=fields.required_text("id"))
    function = fields.object("function")
    if function is None:
        if not fields.has("function"):
            fields.wrong("function", "is required")
        return call
    call.name = function.required_text("name")
    call.arguments_json = function.text("arguments") or "{}"
    return call
