"""Messages, media and tools are made as the contract has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routemoa import messages
from routemoa.v1.model_pb2 import (
    ROLE_ASSISTANT,
    ROLE_TOOL,
    ROLE_USER,
    Answer,
    Message,
    ToolCall,
)

if TYPE_CHECKING:
    from pathlib import Path

CALL = ToolCall(tool_call_id="call-1", name="weather", arguments_json='{"city": "Oslo"}')


def test_text_alone_is_content() -> None:
    assert messages.user("Why?") == Message(role=ROLE_USER, content="Why?")


def test_text_and_media_are_parts_in_order(tmp_path: Path) -> None:
    photo = tmp_path / "cat.png"
    photo.write_bytes(b"\x89PNG")
    said = messages.user(
        "What is it?", messages.image(photo), messages.image("https://example.org/b.jpg"), "Say."
    )
    assert said.WhichOneof("body") == "parts"
    first, second, third, fourth = said.parts.parts
    assert (first.text, fourth.text) == ("What is it?", "Say.")
    assert (second.image.data, second.image.media_type) == (b"\x89PNG", "image/png")
    assert second.image.name == "cat.png"
    assert third.image.url == "https://example.org/b.jpg"


def test_bytes_keep_the_media_type_that_is_given() -> None:
    sound = messages.audio(b"RIFF", "audio/wav").audio
    assert (sound.data, sound.media_type) == (b"RIFF", "audio/wav")
    assert messages.file(b"%PDF", "application/pdf").file.media_type == "application/pdf"


def test_an_answer_that_calls_a_tool_becomes_a_turn_and_the_result_names_the_call() -> None:
    turn = messages.assistant(Answer(model_id="a", text="", tool_calls=[CALL]))
    assert (turn.role, list(turn.tool_calls)) == (ROLE_ASSISTANT, [CALL])
    result = messages.tool_result(CALL, "4 degrees")
    assert result == Message(role=ROLE_TOOL, content="4 degrees", tool_call_id="call-1")


def test_a_tool_has_its_schema_as_text() -> None:
    tool = messages.tool("weather", "Tells the weather.", {"type": "object"}, strict=True)
    assert (tool.name, tool.parameters_json, tool.strict) == ("weather", '{"type": "object"}', True)
    assert not messages.tool("now").parameters_json


def test_arguments_are_read_from_the_models_text() -> None:
    assert messages.arguments(CALL) == {"city": "Oslo"}
    assert messages.arguments(ToolCall(name="now")) == {}


@pytest.mark.parametrize("text", ["[1]", '{"city": ', "Oslo"])
def test_arguments_that_are_no_object_are_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # json's own, or ours
        messages.arguments(ToolCall(name="weather", arguments_json=text))
