"""Makes the messages, media and tools of a request: `user("What is this?", image("cat.png"))`."""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routemoa.v1.generation_pb2 import Tool
from routemoa.v1.model_pb2 import (
    ROLE_ASSISTANT,
    ROLE_SYSTEM,
    ROLE_TOOL,
    ROLE_USER,
    Answer,
    Media,
    Message,
    MessagePart,
    MessageParts,
    ToolCall,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def system(text: str) -> Message:
    """Returns instructions for the models."""
    return Message(role=ROLE_SYSTEM, content=text)


def user(text: str, *parts: str | MessagePart) -> Message:
    """Returns a turn of the user: text, and media or more text after it."""
    if not parts:
        return Message(role=ROLE_USER, content=text)
    said = [MessagePart(text=part) if isinstance(part, str) else part for part in (text, *parts)]
    return Message(role=ROLE_USER, parts=MessageParts(parts=said))


def assistant(answer: Answer) -> Message:
    """Returns an answer as a turn of the conversation, with its calls to tools."""
    return Message(role=ROLE_ASSISTANT, content=answer.text, tool_calls=answer.tool_calls)


def tool_result(call: ToolCall, result: str) -> Message:
    """Returns the result of a call that a model asked for."""
    return Message(role=ROLE_TOOL, content=result, tool_call_id=call.tool_call_id)


def image(source: str | Path | bytes, media_type: str = "") -> MessagePart:
    """Returns an image.

    Args:
        source: A URL, the path of a file, or the bytes.
        media_type: For example `image/png`; needed with bytes, else guessed from the file's name.
    """
    return MessagePart(image=_media(source, media_type))


def audio(source: str | Path | bytes, media_type: str = "") -> MessagePart:
    """Returns speech or sound; takes what `image` takes."""
    return MessagePart(audio=_media(source, media_type))


def file(source: str | Path | bytes, media_type: str = "") -> MessagePart:
    """Returns a document, e.g. a PDF; takes what `image` takes."""
    return MessagePart(file=_media(source, media_type))


def tool(
    name: str,
    description: str = "",
    parameters: Mapping[str, Any] | None = None,
    *,
    strict: bool | None = None,
) -> Tool:
    """Returns a tool.

    Args:
        name: Its name.
        description: What it does, and when to use it.
        parameters: The JSON schema of its arguments; None if it has none.
        strict: Whether backends are asked to hold the arguments to the schema.
    """
    schema = "" if parameters is None else json.dumps(parameters)
    return Tool(name=name, description=description, parameters_json=schema, strict=strict)


def arguments(call: ToolCall) -> dict[str, Any]:
    """Returns the arguments of a call that a model asked for.

    Raises:
        ValueError: They are no JSON object.
    """
    parsed = json.loads(call.arguments_json or "{}")
    if not isinstance(parsed, dict):
        message = f"the arguments of {call.name} are no JSON object"
        raise ValueError(message)  # noqa: TRY004  # the model's text is wrong, not a type of ours
    return parsed


def _media(source: str | Path | bytes, media_type: str) -> Media:
    if isinstance(source, bytes):
        return Media(data=source, media_type=media_type)
    if isinstance(source, str) and source.startswith(("https://", "http://")):
        return Media(url=source, media_type=media_type)
    path = Path(source)
    kind = media_type or mimetypes.guess_type(path.name)[0] or ""
    return Media(data=path.read_bytes(), media_type=kind, name=path.name)
