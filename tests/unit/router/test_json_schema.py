"""JSON schemas of callers, checked in bounded time and without a look at other documents."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from services.router.types import json_schema
from services.router.types.json_schema import SchemaError, compile_schema
from services.router.types.json_text import JsonTextError, read_json

TOOL = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"enum": ["celsius", "fahrenheit"]},
        "days": {"type": "array", "items": {"$ref": "#/$defs/day"}},
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"day": {"type": "object", "properties": {"number": {"minimum": 1}}}},
}


def problems(schema: dict[str, Any], value: Any) -> list[str]:
    return compile_schema(json.dumps(schema)).problems(value)


def refusal(text: str) -> str:
    with pytest.raises(SchemaError) as caught:
        compile_schema(text)
    return str(caught.value)


def doubling(depth: int, keyword: str = "allOf") -> dict[str, Any]:
    """Returns a schema whose definitions each name the next one twice."""
    definitions: dict[str, Any] = {f"a{depth}": {"type": "object"}}
    for number in range(depth):
        definitions[f"a{number}"] = {keyword: [{"$ref": f"#/$defs/a{number + 1}"}] * 2}
    return {"$ref": "#/$defs/a0", "$defs": definitions}


def nested(depth: int, name: str = "a") -> Any:
    value: Any = 3
    for _ in range(depth):
        value = {name: value}
    return value


def test_a_value_that_keeps_to_the_schema_has_no_problems() -> None:
    assert problems(TOOL, {"city": "Ulm", "unit": "celsius", "days": [{"number": 1}]}) == []
    assert problems({}, None) == []


def test_problems_name_the_place_and_not_the_content() -> None:
    found = problems(TOOL, {"city": ["secret"], "days": [{"number": 0}]})
    assert [line.partition(":")[0] for line in found] == ["/city", "/days/0/number"]
    assert "secret" not in "".join(found)


def test_the_list_of_problems_is_bounded() -> None:
    schema = {"items": {"type": "string"}}
    found = problems(schema, list(range(1_000)))
    assert len(found) == json_schema.MAX_PROBLEMS
    assert problems(schema, list(range(100_000))) == ["does not match the schema"]
    long = problems({"additionalProperties": False}, {"x" * 10_000: 1})
    assert max(map(len, long)) <= 200


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[]", "must be a JSON object"),
        ("true", "must be a JSON object"),
        ('"object"', "must be a JSON object"),
        ('{"minimum": NaN}', "is no JSON"),
        ('{"minimum": 1e999}', "too large"),
        ('{"minimum": ' + "9" * 5_000 + "}", "too long"),
        ('{"type": "objekt"}', "no valid JSON schema, see /type"),
        ('{"properties": {"a": {"type": 5}}}', "see /properties/a/type"),
        ('{"pattern": "("}', "see /pattern"),
        ('{"multipleOf": 0}', "see /multipleOf"),
        ('{"title": "\\ud800"}', "is no Unicode"),
        ('{"\\ud800": 1}', "is no Unicode"),
        ('{"$schema": "https://example.com/own"}', "no valid JSON schema"),
        ('{"description": "' + "x" * 100_000 + '"}', "at most 100,000 characters"),
        ('{"not":' * 200 + "{}" + "}" * 200, "nested more deeply than 128"),
        ('{"not":' * 10_000 + "{}" + "}" * 10_000, "nested more deeply than 128"),
    ],
)
def test_what_is_no_schema_is_refused(text: str, words: str) -> None:
    assert words in refusal(text)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/a.json"},
        {"$ref": "file:///etc/hostname"},
        {"$ref": "other.json#/$defs/a"},
        {"$ref": "#anchor", "$defs": {"a": {"$anchor": "anchor"}}},
        {"$id": "https://example.com/a", "$ref": "b"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#/$defs/a/type", "$defs": {"a": {"type": "string"}}},
        {"properties": {"a": {"$id": "https://example.com/b", "$ref": "#"}}},
        {"$dynamicRef": "#a"},
        {"$defs": {"unused": {"$ref": "http://127.0.0.1:9/a.json"}}},
        {"$defs": {"unused": {"$ref": "file:///etc/hostname"}}},
    ],
)
def test_references_to_anything_but_the_schema_itself_are_refused(schema: dict[str, Any]) -> None:
    refusal(json.dumps(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"not": {"anyOf": [{"if": {"$ref": "#"}}]}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    ],
)
def test_references_that_lead_back_to_themselves_are_refused(schema: dict[str, Any]) -> None:
    assert "without end" in refusal(json.dumps(schema))


def test_a_recursive_schema_is_no_loop() -> None:
    tree = {
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$ref": "#"}}},
        "additionalProperties": False,
    }
    assert problems(tree, {"children": [{"children": []}, {}]}) == []
    assert problems(tree, {"children": [{"x": 1}]})


@pytest.mark.parametrize(
    "schema",
    [
        doubling(16),
        doubling(400),
        doubling(20, "anyOf"),
        doubling(12) | {"unevaluatedProperties": False},
    ],
)
def test_a_short_schema_that_unfolds_to_a_huge_one_is_refused(schema: dict[str, Any]) -> None:
    started_s = time.process_time()
    assert "behind its references" in refusal(json.dumps(schema))
    assert time.process_time() - started_s < 1


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"anyOf": [{"properties": {"a": {"$ref": "#"}}}] * 2}, nested(60)),
        ({"allOf": [{"items": {"$ref": "#"}}] * 3}, json.loads("[" * 60 + "]" * 60)),
        ({"allOf": [{"pattern": "(?=a)(a*)*(a*)*(a*)*b"}] * 50}, "a" * 50_000),
        ({"patternProperties": {"(?=a)(a*)*(a*)*b": {}}}, {"a" * 90_000: 1}),
        ({"propertyNames": {"pattern": "(?=a)(a*)*(a*)*b"}}, {"a" * 90_000: 1}),
        (
            doubling(8) | {"additionalProperties": {"$ref": "#/$defs/a1"}},
            {str(number): {} for number in range(5_000)},
        ),
    ],
)
def test_a_value_that_would_take_too_long_to_check_is_a_problem(
    schema: dict[str, Any], value: Any
) -> None:
    started_s = time.process_time()
    assert problems(schema, value) == ["takes too many steps to check against the schema"]
    assert time.process_time() - started_s < 2


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a|aa)+b", r"^(?!\.)[a-z.]+@[a-z]+\.com$"])
def test_slow_patterns_are_compared_in_time(pattern: str) -> None:
    schema = {"type": "string", "pattern": pattern}
    started_s = time.process_time()
    assert problems(schema, "a" * 10_000 + "!")
    assert time.process_time() - started_s < 2


def test_a_pattern_may_look_around() -> None:
    email = {"pattern": r"^(?!\.)(?!.*\.\.)[\w.]+@([a-z]+\.)+[a-z]{2,}$"}
    assert problems(email, "ada.l@example.com") == []
    assert problems(email, "ada..l@example.com")


def test_a_value_that_is_nested_too_deeply_is_a_problem() -> None:
    assert problems({}, nested(100)) == []
    assert problems({}, nested(900)) == ["is nested too deeply"]


@pytest.mark.parametrize("text", ['"\\ud800"', '{"a": "\\udfff"}', '[{"\\ud800x": 1}]', '"\ud800"'])
def test_half_a_surrogate_pair_is_no_json(text: str) -> None:
    with pytest.raises(JsonTextError, match="is no Unicode"):
        read_json(text)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert read_json('"\\ud83d\\ude42"') == "\N{SLIGHTLY SMILING FACE}"


def test_a_schema_is_compiled_once_and_the_cache_is_bounded() -> None:
    first = compile_schema('{"type": "object", "title": "once"}')
    assert compile_schema('{"type": "object", "title": "once"}') is first
    for number in range(25):
        compile_schema(json.dumps({"title": str(number), "description": "x" * 90_000}))
    assert compile_schema('{"type": "object", "title": "once"}') is not first


def test_the_same_recursive_schema_is_used_for_many_values() -> None:
    schema = compile_schema(json.dumps({"properties": {n: {"$ref": "#"} for n in "abc"}}))
    for number in range(3_000):
        value: Any = {}
        for name in f"{number:x}".translate(str.maketrans("0123456789def", "abcabcabcabca")):
            value = {name: value}
        assert schema.problems(value) == []
