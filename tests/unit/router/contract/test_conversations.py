"""Messages of a request: calls to tools, their results, and the order in which they come."""

from __future__ import annotations

import time

import pytest

from routemoa.v1 import model_pb2
from services.router.types.messages import Role, ToolCall
from tests.unit.router.contract.reading import (
    calls,
    conversation,
    image,
    result,
    user,
    user_parts,
    wrong_messages,
)

URL = "https://example.com/ant.png"


def call(**fields: str) -> model_pb2.Message:
    given = {"tool_call_id": "1", "name": "legs", "arguments_json": "{}"} | fields
    return model_pb2.Message(
        role=model_pb2.ROLE_ASSISTANT, tool_calls=[model_pb2.ToolCall(**given)]
    )


def test_calls_and_their_results_are_read() -> None:
    read = conversation(user(), calls("1", "2"), result("2", "8"), result("1", ""))
    assert [message.role for message in read.messages] == [
        Role.USER,
        Role.ASSISTANT,
        Role.TOOL,
        Role.TOOL,
    ]
    first = ToolCall(id="1", name="legs", arguments_json='{"of": "ant"}')
    assert read.messages[1].tool_calls[0] == first
    assert [message.tool_call_id for message in read.messages] == ["", "", "2", "1"]
    assert read.messages[3].content == ""


def test_parts_of_text_alone_are_a_text() -> None:
    text = model_pb2.MessagePart
    read = conversation(user_parts(text(text="How many "), text(text=""), text(text="legs?")))
    assert (read.messages[0].content, read.messages[0].parts) == ("How many legs?", ())


def test_parts_keep_their_order() -> None:
    read = conversation(user_parts(image(url=URL), model_pb2.MessagePart(text="Legs?")))
    message = read.messages[0]
    assert message.content == "Legs?"
    assert message.parts == (message.media[0], "Legs?")
    assert message.media[0].url == URL


def test_an_image_alone_is_a_question() -> None:
    assert conversation(user_parts(image(url=URL))).messages[0].content == ""


def test_an_id_may_come_again_in_a_later_turn() -> None:
    later = (calls("1"), result("1"), calls("1"), result("1"))
    assert len(conversation(user(), *later).messages) == 5


def system(text: str = "Be brief.") -> model_pb2.Message:
    return model_pb2.Message(role=model_pb2.ROLE_SYSTEM, content=text)


@pytest.mark.parametrize(
    "messages",
    [
        [user(), system()],
        [system(), system("Be kind."), user(), calls("1"), result("1"), system()],
        [user(), calls("1"), result("1"), system(), user("And ants?"), system()],
    ],
)
def test_system_messages_may_come_anywhere_between_turns(
    messages: list[model_pb2.Message],
) -> None:
    assert len(conversation(*messages).messages) == len(messages)


def test_a_system_message_may_not_come_between_a_call_and_its_result() -> None:
    assert wrong_messages([user(), calls("1"), system(), result("1")]) == [
        "messages[1].tool_calls",
        "messages[3].tool_call_id",
    ]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    read = conversation(user(), call(arguments_json=""), result("1"))
    assert read.messages[1].tool_calls[0].arguments_json == "{}"


def test_a_turn_of_calls_alone_is_kept_and_an_empty_one_is_left_out() -> None:
    read = conversation(user(), calls("1"), result("1"), calls(), user("And ants?"))
    assert len(read.messages) == 4


@pytest.mark.parametrize(
    ("messages", "fields"),
    [
        ([user(), result("1")], ["messages[1].tool_call_id"]),
        ([user(), calls("1"), result("2")], ["messages[2].tool_call_id", "messages[1].tool_calls"]),
        ([user(), calls("1"), result("1"), result("1")], ["messages[3].tool_call_id"]),
        ([user(), calls("1", "2"), result("1"), user()], ["messages[1].tool_calls"]),
        ([user(), calls("1"), user()], ["messages[1].tool_calls"]),
        ([user(), calls("1"), calls("2"), result("2")], ["messages[1].tool_calls"]),
        ([user(), calls("1"), result("1"), user(), result("1")], ["messages[4].tool_call_id"]),
        ([user(), calls("1", "2"), result("2")], ["messages[1].tool_calls"]),
        ([user(), calls("1")], ["messages[1].role", "messages[1].tool_calls"]),
        ([user(), calls("1", "1"), result("1")], ["messages[1].tool_calls[1].tool_call_id"]),
        ([user(), call(tool_call_id=""), user()], ["messages[1].tool_calls[0].tool_call_id"]),
        ([user(), call(name="two words"), result("1")], ["messages[1].tool_calls[0].name"]),
        ([user(), call(name="x" * 65), result("1")], ["messages[1].tool_calls[0].name"]),
        ([calls("1"), result("1")], ["messages"]),
        ([user(tool_call_id="1")], ["messages[0].tool_call_id"]),
        ([user(), calls("1"), result("")], ["messages[2].tool_call_id", "messages[1].tool_calls"]),
    ],
)
def test_calls_and_results_must_go_together(
    messages: list[model_pb2.Message], fields: list[str]
) -> None:
    found = wrong_messages(messages)
    assert set(fields) <= set(found)
    assert len(found) <= len(fields) + 1


@pytest.mark.parametrize("arguments", ["{", "[]", "5", '"{}"', "NaN", "{'of': 1}", '{"a":' * 200])
def test_arguments_must_be_a_json_object(arguments: str) -> None:
    found = wrong_messages([user(), call(arguments_json=arguments), result("1")])
    assert found == ["messages[1].tool_calls[0].arguments_json"]


def test_calls_are_the_assistants_alone_and_at_most_128() -> None:
    asked = model_pb2.ToolCall(tool_call_id="1", name="legs")
    assert "messages[0].tool_calls" in wrong_messages([user(tool_calls=[asked])])
    many = [str(number) for number in range(129)]
    found = wrong_messages([user(), calls(*many), *(result(number) for number in many)])
    assert "messages[1].tool_calls" in found


def test_a_part_must_be_something() -> None:
    assert wrong_messages([user_parts(model_pb2.MessagePart())])[0] == "messages[0].parts.parts[0]"
    assert "messages[0].parts.parts" in wrong_messages([user_parts()])
    many = [model_pb2.MessagePart(text="x")] * 257
    assert wrong_messages([user_parts(*many)]) == ["messages[0].parts.parts"]


def test_media_are_the_users_alone() -> None:
    seen = model_pb2.Message(
        role=model_pb2.ROLE_ASSISTANT, parts=model_pb2.MessageParts(parts=[image(url=URL)])
    )
    assert wrong_messages([user(), seen, user()]) == ["messages[1].parts.parts[0].image"]


def test_arguments_and_urls_count_as_characters() -> None:
    long = call(arguments_json='{"of": "' + "x" * 600_000 + '"}')
    assert wrong_messages([user("y" * 400_000), long, result("1")]) == ["messages"]


def test_everything_wrong_is_said_at_once() -> None:
    found = wrong_messages(
        [
            user_parts(image(url="ftp://example.com/a"), image()),
            call(name="?", arguments_json="{"),
            result("2"),
        ]
    )
    assert found == [
        "messages[0].parts.parts[0].image.url",
        "messages[0].parts.parts[1].image",
        "messages[1].tool_calls[0].name",
        "messages[1].tool_calls[0].arguments_json",
        "messages[2].tool_call_id",
        "messages[1].tool_calls",
    ]


def test_too_much_is_refused_without_a_look_at_it() -> None:
    part = model_pb2.MessagePart(text="x" * 10_000)
    started_s = time.process_time()
    calls_of = [call(arguments_json="[" * 2_000_000)] * 6
    assert wrong_messages([user(), *calls_of]) == ["messages"]
    assert wrong_messages([user_parts(*[part] * 101)]) == ["messages"]
    assert time.process_time() - started_s < 1
