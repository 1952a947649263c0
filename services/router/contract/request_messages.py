"""Reads the messages of a conversation, each by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.v1 import model_pb2
from services.router.contract.limits import MAX_NAME_CHARACTERS, MAX_PARTS, MAX_TOOL_CALLS
from services.router.contract.media import read_media
from services.router.contract.tools import check_tool_name
from services.router.types.json_text import JsonTextError, read_json
from services.router.types.messages import Media, MediaKind, Message, Role, ToolCall

if TYPE_CHECKING:
    from services.rpc.validation import Violations

ROLES = {
    model_pb2.ROLE_SYSTEM: Role.SYSTEM,
    model_pb2.ROLE_USER: Role.USER,
    model_pb2.ROLE_ASSISTANT: Role.ASSISTANT,
    model_pb2.ROLE_TOOL: Role.TOOL,
}
"""The roles of requests."""


def read_message(field: str, message: model_pb2.Message, violations: Violations) -> Message:
    """Returns a message; records its violations. One without a known role counts as the user's."""
    role = ROLES.get(message.role)
    if role is None:
        violations.add(f"{field}.role", f"must be a known role, is {message.role}")
    content, parts = message.content, _read_parts(field, message, role, violations)
    return Message(
        role=role or Role.USER,
        content="".join(part for part in parts if isinstance(part, str)) if parts else content,
        parts=parts if any(isinstance(part, Media) for part in parts) else (),
        tool_calls=_read_tool_calls(field, message, role, violations),
        tool_call_id=_read_result_id(field, message, role, violations),
    )


def says_nothing(message: Message) -> bool:
    """Returns whether a message has nothing for a model to read."""
    blank = not message.content.strip() and not message.media and not message.tool_calls
    return blank and message.role is not Role.TOOL  # a tool may have nothing to say


def _read_parts(
    field: str, message: model_pb2.Message, role: Role | None, violations: Violations
) -> tuple[str | Media, ...]:
    """Returns text and media in order; nothing if the message has text alone."""
    if message.WhichOneof("body") != "parts":
        return ()
    field = f"{field}.parts.parts"
    violations.length(field, message.parts.parts, 1, MAX_PARTS)
    parts: list[str | Media] = []
    for number, part in enumerate(message.parts.parts[:MAX_PARTS]):
        name = part.WhichOneof("part")
        if name is None:
            violations.add(f"{field}[{number}]", "must be text, an image, audio or a file")
        elif name == "text":
            parts.append(part.text)
        else:
            within = f"{field}[{number}].{name}"
            if role not in {None, Role.USER}:
                violations.add(within, "is for messages of the user alone")
            kind = MediaKind[name.upper()]
            parts.append(read_media(within, kind, getattr(part, name), violations))
    return tuple(part for part in parts if part != "")


def _read_tool_calls(
    field: str, message: model_pb2.Message, role: Role | None, violations: Violations
) -> tuple[ToolCall, ...]:
    calls = message.tool_calls
    if not calls:
        return ()
    if role not in {None, Role.ASSISTANT}:
        violations.add(f"{field}.tool_calls", "are for messages of the assistant alone")
    violations.length(f"{field}.tool_calls", calls, 0, MAX_TOOL_CALLS)
    read = [
        _read_tool_call(f"{field}.tool_calls[{number}]", call, violations)
        for number, call in enumerate(calls[:MAX_TOOL_CALLS])
    ]
    known: set[str] = set()
    for number, call in enumerate(read):
        if call.id in known:
            violations.add(f"{field}.tool_calls[{number}].tool_call_id", "is another call's too")
        known.add(call.id)
    return tuple(read)


def _read_tool_call(field: str, call: model_pb2.ToolCall, violations: Violations) -> ToolCall:
    _check_id(f"{field}.tool_call_id", call.tool_call_id, violations)
    check_tool_name(f"{field}.name", call.name, violations)
    arguments = call.arguments_json.strip() or "{}"
    try:
        if not isinstance(read_json(arguments), dict):
            violations.add(f"{field}.arguments_json", "must be a JSON object")
    except JsonTextError as error:
        violations.add(f"{field}.arguments_json", str(error))
    return ToolCall(id=call.tool_call_id, name=call.name, arguments_json=arguments)


def _read_result_id(
    field: str, message: model_pb2.Message, role: Role | None, violations: Violations
) -> str:
    call_id = message.tool_call_id
    if role is Role.TOOL:
        _check_id(f"{field}.tool_call_id", call_id, violations)
    elif call_id and role is not None:
        violations.add(f"{field}.tool_call_id", "is for results of tools alone")
    return call_id if role is Role.TOOL else ""


def _check_id(field: str, call_id: str, violations: Violations) -> None:
    if not call_id.strip() or len(call_id) > MAX_NAME_CHARACTERS:
        violations.add(field, f"must have 1 to {MAX_NAME_CHARACTERS} characters")
