"""Models whose backend takes no response format are asked for JSON in words."""

from __future__ import annotations

import pytest

from services.router.prompts.json_prompt import in_words
from services.router.types.messages import Message, Role
from services.router.types.options import Capability, GenerationOptions, JsonFormat
from tests.unit.router.mixture import PERSON

SYSTEM = Message(role=Role.SYSTEM, content="Be brief.")
USER = Message(role=Role.USER, content="Who is it?")
ANY = GenerationOptions(json_format=JsonFormat(), temperature=0.5)
LIST = GenerationOptions(json_format=JsonFormat(schema_json='{"type": "array"}'))


@pytest.mark.parametrize(
    ("options", "abilities"),
    [
        (GenerationOptions(), set()),
        (PERSON, {Capability.JSON_SCHEMA}),
        (ANY, {Capability.JSON_OBJECT}),
    ],
)
def test_a_model_that_can_do_what_is_asked_is_left_alone(
    options: GenerationOptions, abilities: set[Capability]
) -> None:
    assert in_words((USER,), options, abilities) == ((USER,), options)


@pytest.mark.parametrize("messages", [(USER,), (SYSTEM, USER)])
def test_the_schema_stands_in_the_system_text(messages: tuple[Message, ...]) -> None:
    (system, user), options = in_words(messages, PERSON, set())
    assert PERSON.json_format is not None
    assert PERSON.json_format.schema_json in system.content
    assert system.content.startswith("Be brief.\n\n") == (len(messages) > 1)
    assert user == USER
    assert options.json_format is None


def test_the_backend_is_asked_for_as_much_as_it_can_do() -> None:
    _, options = in_words((USER,), PERSON, {Capability.JSON_OBJECT})
    assert options.json_format == JsonFormat()
    _, options = in_words((USER,), LIST, {Capability.JSON_OBJECT})  # a list is no object
    assert options.json_format is None
    (system, _), options = in_words((USER,), ANY, {Capability.JSON_SCHEMA})
    assert "one JSON object" in system.content
    assert (options.json_format, options.temperature) == (None, 0.5)
