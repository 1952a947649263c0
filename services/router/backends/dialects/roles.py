"""Messages in the roles that a model accepts."""

from __future__ import annotations

from itertools import chain, groupby
from typing import TYPE_CHECKING

from services.router.pool.request_shape import RequestShape, SystemRole
from services.router.types.messages import Message, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.types.messages import Media

OPENING = "(The conversation begins.)"
"""The user's turn before an assistant that speaks first."""


def shaped(messages: Sequence[Message], shape: RequestShape) -> tuple[Message, ...]:
    """Returns the messages for a model: system texts in its system role, then the turns."""
    system = tuple(message for message in messages if message.role is Role.SYSTEM)
    turns = tuple(message for message in messages if message.role is not Role.SYSTEM)
    if system and shape.system_role is SystemRole.USER:
        turns = _after(system, turns)
    if shape.alternate_roles:
        turns = _alternating(turns)
    return turns if shape.system_role in {SystemRole.USER, SystemRole.NONE} else (*system, *turns)


def _after(system: Sequence[Message], turns: tuple[Message, ...]) -> tuple[Message, ...]:
    """Returns the turns with the system texts at the start of the user's first."""
    first = 1 if turns and turns[0].role is Role.USER else 0
    return (_joined(Role.USER, (*system, *turns[:first])), *turns[first:])


def _alternating(turns: Sequence[Message]) -> tuple[Message, ...]:
    """Returns the turns with alternating roles, the user's first."""
    runs = [(role, tuple(run)) for role, run in groupby(turns, lambda turn: turn.role)]
    # Each result of a tool stays a message of its own.
    joined = tuple(
        chain.from_iterable(
            run if role is Role.TOOL else (_joined(role, run),) for role, run in runs
        )
    )
    if joined and joined[0].role is Role.ASSISTANT:
        return (Message(role=Role.USER, content=OPENING), *joined)
    return joined


def _joined(role: Role, messages: Sequence[Message]) -> Message:
    if len(messages) == 1 and messages[0].role is role:
        return messages[0]
    has_parts = any(message.parts for message in messages)
    return Message(
        role=role,
        content="\n\n".join(message.content for message in messages if message.content),
        parts=tuple(chain.from_iterable(map(_parts, messages))) if has_parts else (),
        tool_calls=tuple(chain.from_iterable(message.tool_calls for message in messages)),
    )


def _parts(message: Message) -> tuple[str | Media, ...]:
    return message.parts or ((message.content,) if message.content else ())
