"""JSON in one form: what is equal, defaults of schemas, and JSON in the midst of a reply."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.routing.canonical_json import bare_json, canonical, with_defaults
from services.router.types.json_text import read_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=10,
)
CITY = {"type": "object", "properties": {"unit": {"default": "C"}, "days": {"type": "integer"}}}


def key(text: str) -> str:
    return canonical(read_json(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}'),
        ("1", "1.0"),
        ("100", "1e2"),
        ("0", "-0.0"),
        ('"\\u00e9"', '"é"'),
        ("100000000000000000000", "1e20"),
    ],
)
def test_equal_values_have_equal_texts(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", '"1"'), ("1", "true"), ("0", "false"), ("[1, 2]", "[2, 1]"), ('"a"', '"A"')],
)
def test_other_values_have_other_texts(one: str, other: str) -> None:
    assert key(one) != key(other)


@given(VALUES)
def test_the_text_of_a_value_is_that_value_again(value: Any) -> None:
    text = canonical(value)
    assert canonical(json.loads(text)) == text
    assert json.loads(text) == value


@pytest.mark.parametrize(
    ("value", "schema", "filled"),
    [
        ({"days": 2}, CITY, {"days": 2, "unit": "C"}),
        ({"unit": "F"}, CITY, {"unit": "F"}),
        ([{}], {"items": CITY}, [{"unit": "C"}]),
        ({"at": {}}, {"properties": {"at": {"$ref": "#/$defs/at"}}, "$defs": {"at": CITY}},
         {"at": {"unit": "C"}}),
        ({"at": {}}, {"properties": {"at": {"$ref": "#/properties/at"}}}, {"at": {}}),
        ({"at": {}}, {"properties": {"at": {"$ref": "https://example.com/at"}}}, {"at": {}}),
        ({}, {"properties": {"a/b": {"$ref": "#/$defs/c~1d"}}, "$defs": {"c/d": {"default": 3}}},
         {"a/b": 3}),
        ("text", CITY, "text"),
        ({}, None, {}),
        ({}, True, {}),
    ],
)  # fmt: skip
def test_defaults_are_filled_in_where_a_property_is_absent(
    value: Any, schema: Any, filled: Any
) -> None:
    assert with_defaults(value, schema) == filled


@pytest.mark.parametrize(
    ("reply", "bare"),
    [
        ('{"a": 1}', '{"a": 1}'),
        (' \ufeff{"a": 1}\n', '{"a": 1}'),
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ('```\n{"a":\n 1}\n```\n', '{"a":\n 1}'),
        ('Here you are:\n\n```json\n{"a": 1}\n```\nAnything else?', '{"a": 1}'),
        ('```json\n{"a": "x\u2028y"}\n```', '{"a": "x\u2028y"}'),
        ('{"a": "```\\n"}', '{"a": "```\\n"}'),
        # Which of two is meant is anybody's guess; half a fence holds nothing.
        (
            '```\n{"a": 1}\n```\nor\n```\n{"a": 2}\n```',
            '```\n{"a": 1}\n```\nor\n```\n{"a": 2}\n```',
        ),
        ('```json\n{"a": 1}', '```json\n{"a": 1}'),
        ('It is {"a": 1}.', 'It is {"a": 1}.'),
        ("```\nno JSON\n```", "```\nno JSON\n```"),
    ],
)
def test_json_is_taken_out_of_its_fence(reply: str, bare: str) -> None:
    assert bare_json(reply) == bare


def test_many_fences_take_linear_time() -> None:
    text = "```json\n" * 100_000
    assert bare_json(text) == text
