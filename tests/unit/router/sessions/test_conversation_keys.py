"""A conversation is found again by its beginning or its id, and no other conversation is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.router.sessions.conversation_keys import conversation_keys
from services.router.types.conversation import Conversation
from services.router.types.messages import Media, MediaKind, Message, Role, ToolCall
from services.router.types.options import GenerationOptions, Tool

SYSTEM = Message(role=Role.SYSTEM, content="Be brief.")
ASKED = Message(role=Role.USER, content="How warm is it?")
CALL = ToolCall(id="call_1", name="weather", arguments_json='{"city":"Oslo"}')
CALLED = Message(role=Role.ASSISTANT, tool_calls=(CALL,))
RESULT = Message(role=Role.TOOL, content="12", tool_call_id="call_1")
ANSWERED = Message(role=Role.ASSISTANT, content="12 degrees.")
THANKED = Message(role=Role.USER, content="Thanks. And tomorrow?")


def of(*messages: Message, salt: str = "", **options: object) -> Conversation:
    given = GenerationOptions(**options)  # type: ignore[arg-type]
    return Conversation(messages=messages, cache_salt=salt, options=given)


def test_each_turn_finds_what_the_turn_before_it_left() -> None:
    first = conversation_keys(of(SYSTEM, ASKED))
    second = conversation_keys(of(SYSTEM, ASKED, CALLED, RESULT))
    third = conversation_keys(of(SYSTEM, ASKED, CALLED, RESULT, ANSWERED, THANKED))
    assert first.lookup is None
    assert second.lookup == first.save
    assert third.lookup == second.save
    assert len({first.save, second.save, third.save}) == 3


def test_an_answer_in_several_messages_and_several_results_are_one_turn() -> None:
    first = conversation_keys(of(ASKED))
    said = Message(role=Role.ASSISTANT, content="Let me look.")
    other = replace(RESULT, tool_call_id="call_2")
    assert conversation_keys(of(ASKED, said, CALLED, RESULT, other)).lookup == first.save


@pytest.mark.parametrize(
    "changed",
    [
        of(replace(SYSTEM, content="Be long."), ASKED, ANSWERED, THANKED),
        of(SYSTEM, replace(ASKED, content="How cold is it?"), ANSWERED, THANKED),
        of(SYSTEM, replace(ASKED, role=Role.TOOL), ANSWERED, THANKED),
        of(SYSTEM, ASKED, ANSWERED, THANKED, salt="another tenant"),
        of(SYSTEM, ASKED, ANSWERED, THANKED, tools=(Tool(name="weather"),)),
    ],
)
def test_another_beginning_another_tenant_or_other_tools_are_another_conversation(
    changed: Conversation,
) -> None:
    assert conversation_keys(changed).lookup != conversation_keys(of(SYSTEM, ASKED)).save


def test_images_and_calls_of_tools_are_parts_of_the_beginning() -> None:
    image = Media(kind=MediaKind.IMAGE, data=b"a" * 10_000, media_type="image/png")
    seen = replace(ASKED, parts=("How warm is it?", image))
    other_image = replace(image, data=b"a" * 9_999 + b"b")
    other = replace(ASKED, parts=("How warm is it?", other_image))
    assert conversation_keys(of(seen)).save != conversation_keys(of(ASKED)).save
    assert conversation_keys(of(seen)).save != conversation_keys(of(other)).save
    other_call = replace(CALLED, tool_calls=(replace(CALL, arguments_json="{}"),))
    assert (
        conversation_keys(of(ASKED, CALLED, RESULT)).save
        != conversation_keys(of(ASKED, other_call, RESULT)).save
    )


def test_texts_cannot_be_moved_from_one_message_to_the_next_unseen() -> None:
    one = of(replace(ASKED, content="ab"), replace(ASKED, content="c"))
    two = of(replace(ASKED, content="a"), replace(ASKED, content="bc"))
    assert conversation_keys(one).save != conversation_keys(two).save


def test_an_id_finds_the_conversation_whatever_its_messages_are() -> None:
    first = conversation_keys(of(ASKED, session_id="chat-1"))
    later = conversation_keys(of(THANKED, session_id="chat-1"))
    assert first.save == later.lookup == first.lookup
    assert conversation_keys(of(ASKED, session_id="chat-2")).save != first.save
    assert conversation_keys(of(ASKED, session_id="chat-1", salt="t")).save != first.save


def test_odd_characters_do_no_harm() -> None:
    assert conversation_keys(of(replace(ASKED, content="\ud800"), session_id="\ud800")).save
