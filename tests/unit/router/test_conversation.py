"""The query of a conversation, its session, and its tokens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.router.types.conversation import Conversation, prompt_tokens
from services.router.types.messages import Media, MediaKind, Message, Role, ToolCall
from services.router.types.options import NO_OPTIONS, GenerationOptions, Tool
from services.router.types.tokens import MESSAGE_OVERHEAD_TOKENS, estimate_tokens


def chat(*texts: str, system: str = "") -> Conversation:
    """Returns a conversation in which user and assistant take turns, the user first."""
    roles = (Role.USER, Role.ASSISTANT)
    turns = [Message(role=roles[number % 2], content=text) for number, text in enumerate(texts)]
    given = [Message(role=Role.SYSTEM, content=system)] if system else []
    return Conversation(messages=(*given, *turns))


def test_system_texts_stand_apart_from_the_turns() -> None:
    conversation = Conversation(
        messages=(
            Message(role=Role.SYSTEM, content="Be brief."),
            Message(role=Role.SYSTEM, content="Be kind."),
            Message(role=Role.USER, content="Why?"),
        )
    )
    assert conversation.system == "Be brief.\n\nBe kind."
    assert [turn.content for turn in conversation.turns] == ["Why?"]
    assert chat("Why?").system == ""


def test_a_later_system_text_is_one_of_the_turns() -> None:
    told = Message(role=Role.SYSTEM, content="In French.")
    first = chat("Why?", "So.", system="Be brief.").messages
    conversation = Conversation(messages=(*first, told, *chat("Where?").messages, told))
    assert conversation.system == "Be brief."
    assert [turn.content for turn in conversation.turns] == [
        *("Why?", "So.", "In French.", "Where?", "In French.")
    ]
    assert conversation.query == "Why?\nWhere?"


def test_a_result_of_a_tool_is_still_to_be_answered_after_a_system_text() -> None:
    result = Message(role=Role.TOOL, content="8", tool_call_id="1")
    told = Message(role=Role.SYSTEM, content="In French.")
    asked = chat("Why?").messages
    assert Conversation(messages=(*asked, result, told)).answers_tool
    assert Conversation(messages=(*asked, result)).answers_tool
    assert not Conversation(messages=(*asked, result, *asked, told)).answers_tool


def test_tokens_are_those_of_all_messages_and_of_the_marks_around_each() -> None:
    conversation = chat("four", "sixsix", "four", system="four")
    expected = 4 + 4 + 6 + 4 + 4 * MESSAGE_OVERHEAD_TOKENS
    assert conversation.count_tokens(len) == expected
    assert prompt_tokens(conversation.messages, len) == expected
    estimated = sum(estimate_tokens(text) for text in ("four", "sixsix", "four", "four"))
    assert conversation.tokens == estimated + 4 * MESSAGE_OVERHEAD_TOKENS


def test_tokens_are_counted_once_by_each_tokenizer() -> None:
    counted: list[str] = []

    def count(text: str) -> int:
        counted.append(text)
        return len(text)

    conversation = chat("One?")
    assert conversation.count_tokens(count) == conversation.count_tokens(count)
    assert counted == ["One?"]
    assert conversation.count_tokens(lambda _: 0) == MESSAGE_OVERHEAD_TOKENS


def test_a_session_begins_with_the_second_message_of_the_user() -> None:
    assert chat("One?").session is None
    assert chat("One?", "Two.").session is None
    session = chat("One?", "Two.", "Three?").session
    assert session is not None
    assert len(session) >= 32
    assert chat("One?", "2", "3", "4", "5").session == session


def test_a_session_begins_at_once_where_tools_or_an_id_say_that_it_goes_on() -> None:
    tools = GenerationOptions(tools=(Tool(name="search"),))
    first = replace(chat("One?"), options=tools)
    assert first.session is not None
    asked = Message(role=Role.ASSISTANT, content="")
    result = Message(role=Role.TOOL, content="12", tool_call_id="c")
    later = replace(first, messages=(*first.messages, asked, result))
    assert later.session == replace(later, options=NO_OPTIONS).session == first.session


def test_an_id_is_the_session_whatever_the_messages_are() -> None:
    named = GenerationOptions(session_id="chat-1")
    session = replace(chat("One?"), options=named).session
    assert session is not None
    assert replace(chat("Other?", "2", "3"), options=named).session == session
    assert replace(chat("One?"), options=GenerationOptions(session_id="2")).session != session
    assert replace(chat("One?"), options=named, cache_salt="t").session != session


@pytest.mark.parametrize(
    "other", [chat("1?", "Two.", "Three?"), chat("One?", "Two.", "Three?", system="Be brief.")]
)
def test_other_beginnings_are_other_sessions(other: Conversation) -> None:
    assert other.session != chat("One?", "Two.", "Three?").session


def test_equal_chats_of_tenants_are_other_sessions() -> None:
    asked = chat("One?", "Two.", "Three?")
    sessions = {replace(asked, cache_salt=salt).session for salt in ("", "a", "b")}
    assert len(sessions) == 3
    assert replace(asked, cache_salt="a").session in sessions


def test_a_text_that_is_no_unicode_has_a_session_too() -> None:
    assert chat("\ud800", "Two.", "Three?").session is not None


def test_the_query_has_the_topic_first_and_at_most_a_thousand_characters_of_it() -> None:
    assert chat("One?").query == "One?"
    assert chat("One?", "Two.", "Three?").query == "One?\nThree?"
    assert chat("t" * 999 + "op" + "t" * 50, "ok", "Three?").query == "t" * 999 + "o\nThree?"


@pytest.mark.parametrize("length", [20_000, 20_001])
def test_a_query_longer_than_any_scorer_reads_loses_its_middle(length: int) -> None:
    text = "a" * (length // 2) + "b" * (length - length // 2)
    query = chat(text).query
    assert len(query) == 20_000
    assert query == "a" * 10_000 + "b" * 10_000


def seen(text: str, url: str) -> Message:
    image = Media(kind=MediaKind.IMAGE, url=url)
    return Message(role=Role.USER, content=text, parts=(image, text) if text else (image,))


def test_the_query_is_the_users_text_whatever_tools_answered() -> None:
    turns = [
        Message(role=Role.USER, content="Weather in Ulm?"),
        Message(role=Role.ASSISTANT, tool_calls=(ToolCall(id="1", name="w", arguments_json="{}"),)),
        Message(role=Role.TOOL, content="rain " * 1_000, tool_call_id="1"),
    ]
    assert Conversation(messages=tuple(turns)).query == "Weather in Ulm?"


def test_the_query_leaves_out_messages_without_text() -> None:
    image = seen("", "https://example.com/a")
    last = Message(role=Role.USER, content="What is it?")
    assert Conversation(messages=(image, last)).query == "What is it?"
    assert Conversation(messages=(last, image)).query == "What is it?"
    assert Conversation(messages=(image,)).query == "The user sent: image"


def test_the_results_of_a_tool_are_another_turn_of_the_session() -> None:
    first = Message(role=Role.USER, content="Weather in Ulm?")
    call = Message(role=Role.ASSISTANT, tool_calls=(ToolCall(id="1", name="w", arguments_json=""),))
    result = Message(role=Role.TOOL, content="rain", tool_call_id="1")
    session = Conversation(messages=(first, call, result)).session
    assert session is not None
    assert Conversation(messages=(first, call, result, call, result)).session == session
    assert Conversation(messages=(first,)).session is None


def test_chats_about_other_images_are_other_sessions() -> None:
    answer = Message(role=Role.ASSISTANT, content="An ant.")
    more = Message(role=Role.USER, content="Sure?")
    sessions = {
        Conversation(messages=(seen("What is it?", url), answer, more)).session
        for url in ("https://example.com/a", "https://example.com/b")
    }
    assert len(sessions) == 2


def test_a_thread_is_the_same_in_every_turn_and_other_tenants_have_others() -> None:
    first = chat("One?")
    assert chat("One?", "Two.", "Three?").thread == first.thread
    assert chat("Other?").thread != first.thread
    assert replace(first, cache_salt="t").thread != first.thread
    named = GenerationOptions(session_id="chat-1")
    assert replace(first, options=named).thread == replace(chat("Other?"), options=named).thread
