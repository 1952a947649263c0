"""Options of a request: each rule, and several broken ones at once."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from routemoa.v1 import generation_pb2 as pb
from services.router.types.options import (
    NO_OPTIONS,
    JsonFormat,
    ReasoningEffort,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from tests.unit.router.contract.reading import options, wrong_options

LEGS = pb.Tool(name="legs", description="Counts legs.", parameters_json='{"type": "object"}')
SCHEMA = '{"type": "object", "properties": {"legs": {"type": "integer"}}}'


def json_schema(**fields: Any) -> pb.ResponseFormat:
    given = {"name": "legs", "schema_json": SCHEMA} | fields
    return pb.ResponseFormat(json_schema=pb.JsonSchemaFormat(**given))


def test_no_options_are_the_models_defaults() -> None:
    assert options() == NO_OPTIONS


def test_zero_is_not_the_same_as_nothing() -> None:
    read = options(temperature=0, seed=0, presence_penalty=0, top_log_probability_count=0)
    assert (read.temperature, read.seed, read.presence_penalty) == (0, 0, 0)
    assert read.top_log_probabilities == 0
    assert (read.top_p, read.frequency_penalty) == (None, None)


def test_options_are_read_as_they_are() -> None:
    read = options(
        max_output_token_count=7,
        temperature=0.5,
        top_p=1,
        stop_sequences=["\n", "END"],
        seed=-(2**63),
        frequency_penalty=-2,
        presence_penalty=2,
        reasoning_effort=pb.REASONING_EFFORT_MINIMAL,
        include_reasoning=True,
        response_format=json_schema(strict=False, description="Legs."),
        tools=[LEGS, pb.Tool(name="stop", strict=True)],
        tool_choice=pb.ToolChoice(mode=pb.TOOL_CHOICE_MODE_TOOL, tool_name="stop"),
        parallel_tool_calls=False,
        top_log_probability_count=20,
        metadata=pb.RequestMetadata(end_user="ada", session_id="s", tags={"team": "x"}),
    )
    assert (read.max_output_tokens, read.temperature, read.top_p) == (7, 0.5, 1)
    assert (read.stop_sequences, read.seed) == (("\n", "END"), -(2**63))
    assert (read.frequency_penalty, read.presence_penalty) == (-2, 2)
    assert read.reasoning_effort is ReasoningEffort.MINIMAL
    assert read.include_reasoning
    assert read.json_format == JsonFormat(
        schema_json=SCHEMA, name="legs", description="Legs.", strict=False
    )
    assert read.tools[1] == Tool(name="stop", strict=True)
    assert read.tool_choice == ToolChoice(mode=ToolChoiceMode.TOOL, tool_name="stop")
    assert (read.parallel_tool_calls, read.top_log_probabilities) == (False, 20)
    assert (read.end_user, read.session_id, read.tags) == ("ada", "s", {"team": "x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_output_token_count", 0),
        ("max_output_token_count", -1),
        ("max_output_token_count", 1_000_001),
        ("temperature", -0.1),
        ("temperature", 2.1),
        ("temperature", math.nan),
        ("temperature", math.inf),
        ("top_p", 0),
        ("top_p", 1.01),
        ("top_p", math.nan),
        ("frequency_penalty", -2.1),
        ("presence_penalty", 2.1),
        ("presence_penalty", math.nan),
        ("top_log_probability_count", -1),
        ("top_log_probability_count", 21),
        ("reasoning_effort", 99),
    ],
)
def test_values_out_of_range_are_named(name: str, value: Any) -> None:
    assert wrong_options(**{name: value}) == [f"options.{name}"]


def test_stop_sequences_are_few_and_short() -> None:
    assert wrong_options(stop_sequences=["x"] * 17) == ["options.stop_sequences"]
    assert wrong_options(stop_sequences=["", "x" * 257]) == [
        "options.stop_sequences[0]",
        "options.stop_sequences[1]",
    ]


@pytest.mark.parametrize(
    ("parameters", "is_right"),
    [
        ("", True),
        ("{}", True),
        ('{"type": ["object", "null"]}', True),
        ('{"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {}}}', True),
        ("[]", False),
        ("true", False),
        ("{", False),
        ("legs", False),
        ('{"type": "array"}', False),
        ('{"type": "objekt"}', False),
        ('{"$ref": "https://example.com/a.json"}', False),
        ('{"$ref": "file:///etc/passwd"}', False),
        ('{"$ref": "#"}', False),
        ('{"not": ' * 200 + "{}" + "}" * 200, False),
        ('{"description": "' + "x" * 100_000 + '"}', False),
    ],
)
def test_parameters_are_a_schema_of_an_object(parameters: str, is_right: bool) -> None:
    tool = pb.Tool(name="legs", parameters_json=parameters)
    if is_right:
        assert options(tools=[tool]).tools[0].parameters_json == parameters
    else:
        assert wrong_options(tools=[tool]) == ["options.tools[0].parameters_json"]


@pytest.mark.parametrize("name", ["", "two words", "a.b", "läuft", "x" * 65, "a\n"])
def test_a_bad_name_of_a_tool_is_named(name: str) -> None:
    assert wrong_options(tools=[pb.Tool(name=name)]) == ["options.tools[0].name"]


def test_a_tools_name_comes_once() -> None:
    assert wrong_options(tools=[LEGS, LEGS]) == ["options.tools[1].name"]


def test_there_are_at_most_128_tools() -> None:
    tools = [pb.Tool(name=f"t{number}") for number in range(200)]
    assert wrong_options(tools=tools) == ["options.tools"]
    assert len(options(tools=tools[:128]).tools) == 128


def test_all_tools_together_have_a_limit() -> None:
    text = json.dumps({"description": "x" * 90_000})
    tools = [pb.Tool(name=f"t{number}", parameters_json=text) for number in range(4)]
    assert wrong_options(tools=tools) == ["options.tools"]
    assert len(options(tools=tools[:3]).tools) == 3


@pytest.mark.parametrize(
    ("choice", "fields"),
    [
        ({"mode": pb.TOOL_CHOICE_MODE_TOOL, "tool_name": "wings"}, [".tool_name"]),
        ({"mode": pb.TOOL_CHOICE_MODE_TOOL}, [".tool_name"]),
        ({"mode": pb.TOOL_CHOICE_MODE_AUTO, "tool_name": "legs"}, [".tool_name"]),
        ({"tool_name": "legs"}, [".tool_name"]),
        ({"mode": 99}, [".mode"]),
    ],
)
def test_a_choice_names_a_tool_of_the_request(choice: dict[str, Any], fields: list[str]) -> None:
    found = wrong_options(tools=[LEGS], tool_choice=pb.ToolChoice(**choice))
    assert found == [f"options.tool_choice{field}" for field in fields]


def test_a_choice_and_parallel_calls_need_tools() -> None:
    found = wrong_options(
        tool_choice=pb.ToolChoice(mode=pb.TOOL_CHOICE_MODE_REQUIRED), parallel_tool_calls=True
    )
    assert sorted(found) == ["options.parallel_tool_calls", "options.tool_choice"]


def test_a_choice_without_a_mode_is_as_the_model_likes() -> None:
    assert options(tools=[LEGS], tool_choice=pb.ToolChoice()).tool_choice == ToolChoice()


@pytest.mark.parametrize("strategy", ["routemoa", "moa", "smoa", "self-moa", "cascade"])
def test_what_only_one_models_reply_has_is_not_asked_of_several(strategy: str) -> None:
    found = wrong_options(strategy, include_reasoning=True, top_log_probability_count=1)
    assert sorted(found) == ["options.include_reasoning", "options.top_log_probability_count"]


def test_a_response_format_may_be_any_object() -> None:
    read = options(response_format=pb.ResponseFormat(json_object=pb.JsonObjectFormat()))
    assert read.json_format == JsonFormat()
    assert options(response_format=pb.ResponseFormat()).json_format is None


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "two words"}, ["name"]),
        ({"schema_json": ""}, ["schema_json"]),
        ({"schema_json": "[]"}, ["schema_json"]),
        ({"schema_json": '{"$ref": "#/x"}'}, ["schema_json"]),
        ({"description": "x" * 10_001}, ["description"]),
    ],
)
def test_a_response_schema_is_checked(fields: dict[str, Any], found: list[str]) -> None:
    prefix = "options.response_format.json_schema."
    assert wrong_options(response_format=json_schema(**fields)) == [prefix + n for n in found]


def test_a_json_format_and_tools_go_together() -> None:
    read = options(response_format=json_schema(), tools=[LEGS])
    assert read.json_format
    assert read.tools


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"end_user": "x" * 257}, "end_user"),
        ({"session_id": "x" * 257}, "session_id"),
        ({"tags": {str(number): "" for number in range(17)}}, "tags"),
        ({"tags": {"": "x"}}, "tags"),
        ({"tags": {"x" * 65: "x"}}, "tags"),
        ({"tags": {"x": "x" * 513}}, "tags"),
    ],
)
def test_metadata_are_short(fields: dict[str, Any], found: str) -> None:
    metadata = pb.RequestMetadata(**fields)
    assert wrong_options(metadata=metadata) == [f"options.metadata.{found}"]


def test_everything_wrong_is_said_at_once() -> None:
    found = wrong_options(
        "moa",
        temperature=math.nan,
        stop_sequences=[""],
        tools=[pb.Tool(name="a b"), LEGS, LEGS],
        tool_choice=pb.ToolChoice(mode=pb.TOOL_CHOICE_MODE_TOOL, tool_name="none"),
        response_format=json_schema(schema_json="{"),
        include_reasoning=True,
    )
    assert sorted(found) == [
        "options.include_reasoning",
        "options.response_format.json_schema.schema_json",
        "options.stop_sequences[0]",
        "options.temperature",
        "options.tool_choice.tool_name",
        "options.tools[0].name",
        "options.tools[2].name",
    ]
