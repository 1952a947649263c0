"""Models whose backend takes no response format are asked for JSON in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.router.prompts.json_prompt import in_words
from services.router.types.messages import Media, MediaKind, Message, Role
from services.router.types.options import Capability, GenerationOptions, JsonFormat
from tests.unit.router.mixture import PERSON
from tests.unit.router.runs import pool_model

if TYPE_CHECKING:
    from services.router.pool.model import PoolModel

SYSTEM = Message(role=Role.SYSTEM, content="Be brief.")
USER = Message(role=Role.USER, content="Who is it?")
ANY = GenerationOptions(json_format=JsonFormat(), temperature=0.5)
LIST = GenerationOptions(json_format=JsonFormat(schema_json='{"type": "array"}'))


def able(*abilities: Capability, **fields: Any) -> PoolModel:
    return pool_model("a", capabilities=[ability.value for ability in abilities], **fields)


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
    assert in_words((USER,), options, able(*abilities)) == ((USER,), options)


@pytest.mark.parametrize("messages", [(USER,), (SYSTEM, USER)])
def test_the_schema_stands_in_the_system_text(messages: tuple[Message, ...]) -> None:
    (system, user), options = in_words(messages, PERSON, able())
    assert PERSON.json_format is not None
    assert PERSON.json_format.schema_json in system.content
    assert system.content.startswith("Be brief.\n\n") == (len(messages) > 1)
    assert user == USER
    assert options.json_format is None


def test_a_model_without_system_texts_reads_the_schema_in_the_users_first_message() -> None:
    image = Media(kind=MediaKind.IMAGE, url="https://example.org/a.png")
    first = Message(role=Role.USER, content="Look:", parts=("Look:", image))
    model = able(request={"system_role": "none"})
    (_, asked, last), _ = in_words((SYSTEM, first, USER), PERSON, model)
    assert PERSON.json_format is not None
    assert PERSON.json_format.schema_json in asked.content
    assert asked.content.endswith("\n\nLook:")
    assert asked.parts == (asked.content.removesuffix("\n\nLook:"), "Look:", image)
    assert last == USER


def test_the_backend_is_asked_for_as_much_as_it_can_do() -> None:
    _, options = in_words((USER,), PERSON, able(Capability.JSON_OBJECT))
    assert options.json_format == JsonFormat()
    _, options = in_words((USER,), LIST, able(Capability.JSON_OBJECT))  # a list is no object
    assert options.json_format is None
    (system, _), options = in_words((USER,), ANY, able(Capability.JSON_SCHEMA))
    assert "one JSON object" in system.content
    assert (options.json_format, options.temperature) == (None, 0.5)
