"""Reads conversations: messages, and the order in which they may come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.v1 import model_pb2
from services.router.contract.limits import MAX_CHARACTERS, MAX_MEDIA_BYTES, MAX_MESSAGES
from services.router.contract.request_messages import ROLES, read_message, says_nothing
from services.router.types.conversation import Conversation
from services.router.types.messages import Role
from services.router.types.options import NO_OPTIONS, GenerationOptions
from services.rpc.validation import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.types.messages import Message
    from services.rpc.validation import Violations


def read_conversation(
    messages: Sequence[model_pb2.Message],
    violations: Violations,
    *,
    cache_salt: str,
    options: GenerationOptions = NO_OPTIONS,
) -> Conversation:
    """Returns the conversation; records its violations."""
    violations.length("messages", messages, 1, MAX_MESSAGES)
    if _are_too_large(messages, violations):  # so much is not read
        return Conversation(messages=(), options=options, cache_salt=cache_salt)
    last_of_user = _last_of_user(messages)
    turns: list[tuple[int, Message]] = []
    for number, message in enumerate(messages[:MAX_MESSAGES]):
        field = f"messages[{number}]"
        turn = read_message(field, message, violations)
        if says_nothing(turn):
            if message.role in ROLES and number != last_of_user:
                continue  # a turn that was stopped before its first word
            violations.add(f"{field}.content", "must not be empty or white space alone")
        turns.append((number, turn))
    _check_roles(messages, turns, violations)
    _check_results(turns, violations)
    _check_media([turn for _, turn in turns], violations)
    return Conversation(
        messages=tuple(turn for _, turn in turns), options=options, cache_salt=cache_salt
    )


def _last_of_user(messages: Sequence[model_pb2.Message]) -> int | None:
    """Returns the number of the user's last message; None if there is none."""
    numbers = range(len(messages) - 1, -1, -1)
    return next((n for n in numbers if messages[n].role == model_pb2.ROLE_USER), None)


def _check_roles(
    messages: Sequence[model_pb2.Message],
    turns: Sequence[tuple[int, Message]],
    violations: Violations,
) -> None:
    if not messages or len(messages) > MAX_MESSAGES:
        return
    said = [turn.role for _, turn in turns if turn.role is not Role.SYSTEM]
    if not said or said[-1] not in {Role.USER, Role.TOOL}:
        text = "the last message but the system's must be the user's or the result of a tool"
        violations.add(f"messages[{len(messages) - 1}].role", text)
    elif Role.USER not in said:
        violations.add("messages", "must hold a message of the user")


def _check_results(turns: Sequence[tuple[int, Message]], violations: Violations) -> None:
    """Checks that each call of a tool has one result, before the next turn of user or assistant."""
    caller, waiting, answered = 0, set[str](), set[str]()
    for number, turn in turns:
        field = f"messages[{number}].tool_call_id"
        if turn.role is not Role.TOOL:
            _check_all_answered(caller, waiting, violations)
            caller, answered = number, set()
            waiting = {call.id for call in turn.tool_calls}
        elif turn.tool_call_id in waiting:
            waiting.remove(turn.tool_call_id)
            answered.add(turn.tool_call_id)
        elif turn.tool_call_id in answered:
            violations.add(field, "has a result already")
        elif turn.tool_call_id:
            violations.add(field, "is no call of the assistant's message before it")
    _check_all_answered(caller, waiting, violations)


def _check_all_answered(caller: int, waiting: set[str], violations: Violations) -> None:
    if waiting:
        text = f"have no result before the next turn: {listed(sorted(waiting))}"
        violations.add(f"messages[{caller}].tool_calls", text)


def _are_too_large(messages: Sequence[model_pb2.Message], violations: Violations) -> bool:
    characters = sum(map(_characters, messages))
    if characters <= MAX_CHARACTERS:
        return False
    text = f"must have at most {MAX_CHARACTERS:,} characters, have {characters:,}"
    violations.add("messages", text)
    return True


def _characters(message: model_pb2.Message) -> int:
    """Returns the characters of text, arguments and URLs; the data of a data URL are no characters."""
    count = len(message.content)
    for part in message.parts.parts:
        count += len(part.text)
        for medium in (part.image, part.audio, part.file):
            url = medium.url
            count += 0 if url[:5].lower() == "data:" else len(url)
    return count + sum(len(call.name) + len(call.arguments_json) for call in message.tool_calls)


def _check_media(turns: Sequence[Message], violations: Violations) -> None:
    size_bytes = sum(len(medium.data) for turn in turns for medium in turn.media)
    if size_bytes > MAX_MEDIA_BYTES:
        text = f"must have at most {MAX_MEDIA_BYTES:,} bytes of media, have {size_bytes:,}"
        violations.add("messages", text)
