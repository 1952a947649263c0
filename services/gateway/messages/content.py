"""Messages of the Messages API and their blocks -> messages of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.v1 import model_pb2
from services.gateway.requests import media
from services.gateway.requests.json_values import json_text

if TYPE_CHECKING:
    from services.gateway.fields import Fields
    from services.gateway.requests.conversation import ConversationBuilder, Part

_ROLES = {
    "user": model_pb2.ROLE_USER,
    "assistant": model_pb2.ROLE_ASSISTANT,
    "system": model_pb2.ROLE_SYSTEM,
}
_THINKING = ("thinking", "redacted_thinking")


def text_blocks(fields: Fields, name: str) -> list[Part]:
    """Returns the texts of a field that is a text or a list of text blocks."""
    if not isinstance(fields.values.get(name), list):
        return [(fields.text(name) or "")]
    found: list[Part] = []
    for block in fields.objects(name):
        if block.required_text("type") == "text":
            found.append(block.text("text") or "")
        else:
            block.wrong("type", "must be `text`")
    return found


def read_messages(fields: Fields, conversation: ConversationBuilder) -> None:
    """Adds the messages of `messages` to a conversation."""
    if not fields.values.get("messages"):
        fields.wrong("messages", "is required")
    for message in fields.objects("messages"):
        role = message.choice("role", [*_ROLES]) or "user"
        if not message.has("role"):
            message.wrong("role", "is required")
        if not message.has("content"):
            message.wrong("content", "is required")
        elif not isinstance(message.values.get("content"), list):
            conversation.message(_ROLES[role], [(message.text("content") or "")])
        elif role == "assistant":
            _read_assistant(message, conversation)
        elif role == "system":
            conversation.message(_ROLES[role], text_blocks(message, "content"))
        else:
            _read_user(message, conversation)


def _read_user(message: Fields, conversation: ConversationBuilder) -> None:
    """Adds the results of tools, then the rest of the message, if there is any."""
    parts: list[Part] = []
    has_results = False
    for block in message.objects("content"):
        if block.values.get("type") == "tool_result":
            has_results = True
            conversation.tool_result(block.required_text("tool_use_id"), _result(block))
        else:
            parts += _parts(block)
    if parts or not has_results:
        conversation.message(model_pb2.ROLE_USER, parts)


def _read_assistant(message: Fields, conversation: ConversationBuilder) -> None:
    texts: list[Part] = []
    calls = []
    for block in message.objects("content"):
        kind = block.required_text("type")
        if kind == "text":
            texts.append(block.text("text") or "")
        elif kind == "tool_use":
            arguments_json = json_text(block, "input") or "{}"
            calls.append((block.required_text("id"), block.required_text("name"), arguments_json))
        elif kind not in _THINKING:  # no model reads another one's reasoning
            _refuse(block, kind)
    conversation.message(model_pb2.ROLE_ASSISTANT, texts)
    for call in calls:
        conversation.tool_call(*call)


def _result(block: Fields) -> list[Part]:
    parts: list[Part]
    if isinstance(block.values.get("content"), list):
        parts = [part for inner in block.objects("content") for part in _parts(inner)]
    else:
        parts = [(block.text("content") or "")]
    return ["Error:", *parts] if block.flag("is_error") else parts


def _parts(block: Fields) -> list[Part]:
    kind = block.required_text("type")
    if kind == "text":
        return [(block.text("text") or "")]
    if kind == "image":
        return _image(block)
    if kind == "document":
        return _document(block)
    _refuse(block, kind)
    return []


def _image(block: Fields) -> list[Part]:
    source = block.object("source")
    if source is None:
        block.wrong("source", "is required")
        return []
    kind = source.required_text("type")
    if kind == "url":
        return [model_pb2.MessagePart(image=media.from_url(source, "url"))]
    if kind == "base64":
        media_type = source.required_text("media_type")
        return [
            model_pb2.MessagePart(image=media.from_base64(source, "data", media_type=media_type))
        ]
    _refuse_source(source, kind)
    return []


def _document(block: Fields) -> list[Part]:
    source = block.object("source")
    if source is None:
        block.wrong("source", "is required")
        return []
    title = block.text("title") or ""
    heading: list[Part] = [text for text in (title, (block.text("context") or "")) if text]
    kind = source.required_text("type")
    if kind == "text":
        return [*heading, (source.text("data") or "")]
    if kind == "content":
        if isinstance(source.values.get("content"), list):
            return [*heading, *(part for b in source.objects("content") for part in _parts(b))]
        return [*heading, (source.text("content") or "")]
    if kind == "url":
        file = media.from_url(source, "url", file_name=title)
    elif kind == "base64":
        media_type = source.required_text("media_type")
        file = media.from_base64(source, "data", media_type=media_type, file_name=title)
    else:
        _refuse_source(source, kind)
        return []
    return [*heading[bool(title) :], model_pb2.MessagePart(file=file)]


def _refuse(block: Fields, kind: str) -> None:
    if kind:
        block.wrong("type", f"blocks of type `{kind[:64]}` are not supported")


def _refuse_source(source: Fields, kind: str) -> None:
    if kind == "file":
        source.wrong("type", "no file is stored; send its bytes or its URL")
    elif kind:
        source.wrong("type", f"sources of type `{kind[:64]}` are not supported")
