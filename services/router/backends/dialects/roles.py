"""Messages in the roles that a model accepts."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, groupby
from typing import TYPE_CHECKING

from services.router.pool.request_shape import RequestShape, SystemRole
from services.router.types.conversation import leading_system
from services.router.types.messages import Message, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.types.messages import Media

OPENING = "(The conversation begins.)"
"""The user's turn before an assistant that speaks first."""


def shaped(messages: Sequence[Message], shape: RequestShape) -> tuple[Message, ...]:
    """Returns the messages for a model: system texts in its system role, then the turns.

    A later system text becomes the user's where the model takes none between turns.
    """
    if shape.system_role is SystemRole.NONE:
        messages = [message for message in messages if message.role is not Role.SYSTEM]
    system = leading_system(messages)
    turns = tuple(messages[len(system) :])
    if shape.alternate_roles or shape.system_role is SystemRole.USER:
        turns = tuple(_of_user(turn) if turn.role is Role.SYSTEM else turn for turn in turns)
    if system and shape.system_role is SystemRole.USER:
        system, turns = (), _after(system, turns)
    return (*system, *(_alternating(turns) if shape.alternate_roles else turns))


def _of_user(message: Message) -> Message:
    return replace(message, role=Role.USER)


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
