"""What simulated models do beside text, by rules that tests can rely on."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from services.simulator.abilities.able_answers import AbleAnswers
from services.simulator.abilities.broken import UNKNOWN_TOOL, broken
from services.simulator.abilities.sample_value import sample_value
from services.simulator.call import Message, Options, Reply, Tool, read_call
from services.simulator.chat.prefix_cache import PrefixCache
from services.simulator.fault import FaultKind
from services.simulator.simulated import SimulatedAnswers

MODEL = "gpt-4o-mini-2024-07-18"
WEATHER = Tool(
    name="get_weather",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city"],
    },
)
TIME = Tool(name="local_time", parameters={"properties": {"place": {"type": "string"}}})
SKY = "Why is the sky blue?"


def reply(
    query: str, *more: Message, media: tuple[str, ...] = (), **options: Any
) -> tuple[Reply, Any]:
    messages = [Message(role="user", content=query, media=media), *more]
    call = read_call(MODEL, messages, Options(**options))
    return AbleAnswers(SimulatedAnswers()).reply(call), call


def called(query: str, *more: Message, **options: Any) -> list[tuple[str, Any]]:
    answered, _ = reply(query, *more, tools=(TIME, WEATHER), **options)
    return [(asked.name, json.loads(asked.arguments)) for asked in answered.tool_calls]


def test_the_tool_whose_name_shares_a_word_with_the_query_is_called() -> None:
    assert called("How is the weather in Paris for 3 days?") == [
        ("get_weather", {"city": "Paris", "days": 3})
    ]
    assert called("What is the local time in Rome?") == [("local_time", {"place": "Rome"})]
    assert called(SKY) == []


def test_two_places_are_two_calls_where_parallel_ones_are_allowed() -> None:
    query = "How is the weather in Paris and Rome?"
    assert [arguments["city"] for _, arguments in called(query)] == ["Paris", "Rome"]
    assert [a["city"] for _, a in called(query, parallel_tool_calls=False)] == ["Rome"]


@pytest.mark.parametrize(
    ("choice", "names"), [("required", ["local_time"]), ("=get_weather", ["get_weather"])]
)
def test_a_forced_call_comes_whatever_the_query(choice: str, names: list[str]) -> None:
    assert [name for name, _ in called(SKY, tool_choice=choice)] == names


def test_no_tool_is_called_where_none_may_be() -> None:
    assert called("How is the weather in Paris?", tool_choice="none") == []


def test_the_result_of_a_tool_is_answered_or_names_the_next_tool() -> None:
    result = Message(role="tool", content="18 degrees", tool_call_id="call_1")
    answered, _ = reply("How is the weather in Paris?", result, tools=(TIME, WEATHER))
    assert answered == Reply(text="The tool says: 18 degrees")
    further = Message(role="tool", content="now ask local_time", tool_call_id="call_1")
    assert [name for name, _ in called("How is the weather in Paris?", further)] == ["local_time"]


SCHEMAS: list[dict[str, Any]] = [
    {"type": "object"},
    {"type": "object", "properties": {"answer": {"type": "string", "maxLength": 10}}},
    {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "minimum": 3, "maximum": 5},
            "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
            "colour": {"enum": ["red", "blue"]},
            "list": {"type": "array", "items": {"$ref": "#/$defs/item"}, "minItems": 2},
            "maybe": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            "day": {"type": ["string", "null"], "format": "date"},
        },
        "required": ["n", "share", "colour", "list", "maybe", "day"],
        "additionalProperties": False,
        "$defs": {"item": {"type": "object", "properties": {"ok": {"type": "boolean"}}}},
    },
    {"type": "array", "items": {"type": "number"}, "minItems": 1},
    {
        "$ref": "#/$defs/tree",
        "$defs": {"tree": {"properties": {"child": {"$ref": "#/$defs/tree"}}}},
    },
]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("query", [SKY, "An unknown question?"])
def test_a_json_reply_fits_its_schema(schema: dict[str, Any], query: str) -> None:
    answered, _ = reply(query, json_schema=schema)
    if "tree" not in str(schema):  # a tree without leaves has no finite value
        jsonschema_rs.validate(schema, json.loads(answered.text))
    assert json.loads(answered.text) is not None


def test_models_that_differ_in_text_differ_in_json() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    assert sample_value(schema, "It is 5050.") == {"n": 5050}
    assert sample_value(schema, "It is 5000.") == {"n": 5000}


def test_images_are_mentioned_and_reasoning_comes_where_it_is_asked_for() -> None:
    answered, _ = reply(SKY, media=("image data:image/png",), reasoning_effort="low")
    assert "image data:image/png" in answered.text
    assert "low" in answered.reasoning
    assert reply(SKY, reasoning_effort="none")[0].reasoning == ""


def test_broken_replies_are_wrong_in_the_way_that_was_asked_for() -> None:
    answered, call = reply("How is the weather in Paris?", tools=(TIME, WEATHER))
    (right,) = answered.tool_calls
    (wrong,) = broken(answered, call, FaultKind.WRONG_TOOL).tool_calls
    assert (wrong.name, wrong.arguments) == ("local_time", right.arguments)
    assert broken(answered, call, FaultKind.UNKNOWN_TOOL).tool_calls[0].name == UNKNOWN_TOOL
    (half,) = broken(answered, call, FaultKind.HALF_JSON).tool_calls
    assert right.arguments.startswith(half.arguments)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(half.arguments)
    text, call = reply(SKY, json_schema={"type": "object"})
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(broken(text, call, FaultKind.HALF_JSON).text)
    assert broken(text, call, FaultKind.HANG) == text
    refused = broken(text, call, FaultKind.REFUSAL)
    assert refused.refusal
    assert not refused.text


def test_the_beginning_of_a_prompt_is_cached_per_model_until_others_push_it_out() -> None:
    cache = PrefixCache(capacity_tokens=64)
    prompt = "0123456789abcdef" * 8  # two blocks
    assert cache.read("a", prompt) == 0
    assert cache.read("a", prompt + "!" * 64) == pytest.approx(2 / 3)
    assert cache.read("b", prompt) == 0
    assert cache.read("a", "x" + prompt) == 0
    assert cache.read("a", prompt + "?" * 64) == 0
