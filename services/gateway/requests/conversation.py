"""Puts a conversation together from the messages, calls and results of a request.

An API gives them one after the other. Calls join the assistant's message that they follow. Only a
user's message can hold media: those in the results of tools follow the results, as the user's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from routemoa.v1 import model_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence

Part: TypeAlias = "str | model_pb2.MessagePart"
"""A part of a message: its text, or a medium."""


class ConversationBuilder:
    """The messages of a request, as the router takes them."""

    def __init__(self) -> None:
        self._messages: list[model_pb2.Message] = []
        self._result_media: list[Part] = []

    def message(self, role: model_pb2.Role.ValueType, parts: Sequence[Part]) -> None:
        """Adds a message."""
        if role == model_pb2.ROLE_USER and self._result_media:
            parts, self._result_media = [*self._result_media, *parts], []
        else:
            self._end_results()
        self._messages.append(_message(role, parts))

    def tool_call(self, call_id: str, name: str, arguments_json: str) -> None:
        """Adds a call that the assistant asked for."""
        self._end_results()
        last = self._messages[-1] if self._messages else None
        if last is None or last.role != model_pb2.ROLE_ASSISTANT:
            last = model_pb2.Message(role=model_pb2.ROLE_ASSISTANT)
            self._messages.append(last)
        last.tool_calls.add(tool_call_id=call_id, name=name, arguments_json=arguments_json)

    def tool_result(self, call_id: str, parts: Sequence[Part]) -> None:
        """Adds the result of a call."""
        texts = [part for part in parts if isinstance(part, str)]
        message = _message(model_pb2.ROLE_TOOL, texts)
        message.tool_call_id = call_id
        self._messages.append(message)
        self._result_media += [part for part in parts if not isinstance(part, str)]

    def messages(self) -> list[model_pb2.Message]:
        """Returns the messages."""
        self._end_results()
        return self._messages

    def _end_results(self) -> None:
        if self._result_media:
            media, self._result_media = self._result_media, []
            self._messages.append(_message(model_pb2.ROLE_USER, media))


def _message(role: model_pb2.Role.ValueType, parts: Sequence[Part]) -> model_pb2.Message:
    """Returns a message; text alone goes as one text, which every backend can read."""
    texts = [part for part in parts if isinstance(part, str)]
    if not parts:
        return model_pb2.Message(role=role)
    if len(texts) == len(parts):
        return model_pb2.Message(role=role, content="\n".join(texts))
    return model_pb2.Message(
        role=role,
        parts=model_pb2.MessageParts(
            parts=[
                model_pb2.MessagePart(text=part) if isinstance(part, str) else part
                for part in parts
                if part != ""
            ]
        ),
    )
