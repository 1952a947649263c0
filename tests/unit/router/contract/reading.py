"""Reads conversations and options as the servicer does, and shortens their messages in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from routemoa.errors import InvalidFieldError
from routemoa.v1 import generation_pb2, model_pb2
from services.router.contract.conversations import read_conversation
from services.router.contract.request_options import read_options
from services.rpc.validation import Violations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.router.types.conversation import Conversation
    from services.router.types.options import GenerationOptions


def user(content: str = "How many legs?", **fields: Any) -> model_pb2.Message:
    return model_pb2.Message(role=model_pb2.ROLE_USER, content=content, **fields)


def user_parts(*parts: model_pb2.MessagePart) -> model_pb2.Message:
    return model_pb2.Message(
        role=model_pb2.ROLE_USER, parts=model_pb2.MessageParts(parts=list(parts))
    )


def image(**fields: Any) -> model_pb2.MessagePart:
    return model_pb2.MessagePart(image=model_pb2.Media(**fields))


def calls(*ids: str, content: str = "") -> model_pb2.Message:
    """Returns an assistant's message that asks for a call with each id."""
    return model_pb2.Message(
        role=model_pb2.ROLE_ASSISTANT,
        content=content,
        tool_calls=[
            model_pb2.ToolCall(tool_call_id=call_id, name="legs", arguments_json='{"of": "ant"}')
            for call_id in ids
        ],
    )


def result(call_id: str, content: str = "6") -> model_pb2.Message:
    return model_pb2.Message(role=model_pb2.ROLE_TOOL, tool_call_id=call_id, content=content)


def conversation(*messages: model_pb2.Message) -> Conversation:
    violations = Violations()
    read = read_conversation(messages, violations, cache_salt="")
    violations.raise_if_any()
    return read


def options(strategy: str = "single", **fields: Any) -> GenerationOptions:
    violations = Violations()
    read = read_options(generation_pb2.GenerationOptions(**fields), strategy, violations)
    violations.raise_if_any()
    return read


def violated(read: Callable[[], object]) -> list[str]:
    """Returns the fields that are wrong."""
    with pytest.raises(InvalidFieldError) as caught:
        read()
    return [violation.field for violation in caught.value.violations]


def wrong_messages(messages: Sequence[model_pb2.Message]) -> list[str]:
    return violated(lambda: conversation(*messages))


def wrong_options(strategy: str = "single", **fields: Any) -> list[str]:
    return violated(lambda: options(strategy, **fields))
