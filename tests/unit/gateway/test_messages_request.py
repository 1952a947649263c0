from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from services.gateway.api import ApiError, ErrorKind, Problem
from services.gateway.messages.messages_api import MessagesApi

PNG = "iVBORw0KGgo="
WEATHER = {"name": "weather", "description": "Tells it.", "input_schema": {"type": "object"}}


def read(**body: Any) -> dict[str, Any]:
    """Returns the request to the router as JSON."""
    given = {
        "model": "routemoa",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hi"}],
        **body,
    }
    call = MessagesApi().read(given, {"anthropic-version": "2099-01-01"})
    return MessageToDict(call.request, preserving_proto_field_name=True)


def messages(*found: dict[str, Any]) -> list[dict[str, Any]]:
    return list(read(messages=list(found))["messages"])


def options(**body: Any) -> dict[str, Any]:
    found = dict(read(**body)["options"])
    assert found.pop("max_output_token_count") == 9
    return found


def problems(**body: Any) -> dict[str, str]:
    with pytest.raises(ApiError) as caught:
        read(**body)
    assert caught.value.kind is ErrorKind.INVALID_REQUEST
    return {problem.field: problem.description for problem in caught.value.problems}


@pytest.mark.parametrize(
    "system", ["Be brief.", [{"type": "text", "text": "Be brief.", "cache_control": {}}]]
)
def test_the_system_prompt_is_a_text_or_blocks(system: object) -> None:
    assert read(system=system)["messages"] == [
        {"role": "ROLE_SYSTEM", "content": "Be brief."},
        {"role": "ROLE_USER", "content": "Hi"},
    ]


def test_a_tool_loop_keeps_calls_and_results_apart() -> None:
    found = messages(
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "weather", "input": {"a": 1}},
                {"type": "tool_use", "id": "t2", "name": "weather", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "sun"},
                {
                    "type": "tool_result",
                    "tool_use_id": "t2",
                    "is_error": True,
                    "content": [{"type": "text", "text": "no such place"}],
                },
                {"type": "text", "text": "And tomorrow?"},
            ],
        },
    )
    assert found == [
        {"role": "ROLE_USER", "content": "Weather?"},
        {
            "role": "ROLE_ASSISTANT",
            "content": "I look.",
            "tool_calls": [
                {"tool_call_id": "t1", "name": "weather", "arguments_json": '{"a":1}'},
                {"tool_call_id": "t2", "name": "weather", "arguments_json": "{}"},
            ],
        },
        {"role": "ROLE_TOOL", "content": "sun", "tool_call_id": "t1"},
        {"role": "ROLE_TOOL", "content": "Error:\nno such place", "tool_call_id": "t2"},
        {"role": "ROLE_USER", "content": "And tomorrow?"},
    ]


def test_results_alone_make_no_message_of_the_user() -> None:
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "sun"}
    assert [m["role"] for m in messages({"role": "user", "content": [result]})] == ["ROLE_TOOL"]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": PNG},
            },
            {"image": {"data": PNG, "media_type": "image/png"}},
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}},
            {"image": {"url": "https://a.example/x.png"}},
        ),
        (
            {
                "type": "document",
                "title": "T",
                "source": {"type": "base64", "media_type": "application/pdf", "data": PNG},
            },
            {"file": {"data": PNG, "media_type": "application/pdf", "name": "T"}},
        ),
    ],
)
def test_media_are_parts(block: dict[str, Any], expected: dict[str, Any]) -> None:
    text = {"type": "text", "text": "What is it?"}
    (found,) = messages({"role": "user", "content": [text, block]})
    assert found["parts"]["parts"] == [{"text": "What is it?"}, expected]
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [text, block]}
    tool, user = messages({"role": "user", "content": [result]})
    assert tool == {"role": "ROLE_TOOL", "content": "What is it?", "tool_call_id": "t1"}
    assert user["parts"]["parts"] == [expected]


def test_a_document_of_text_is_text() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "Once upon"}
    block = {"type": "document", "title": "Tale", "source": source}
    assert messages({"role": "user", "content": [block]}) == [
        {"role": "ROLE_USER", "content": "Tale\nOnce upon"}
    ]


SCHEMA_FORMAT = {"type": "json_schema", "schema": {"type": "object"}}
EXPECTED_FORMAT = {
    "response_format": {
        "json_schema": {"name": "answer", "schema_json": '{"type":"object"}', "strict": True}
    }
}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {}),
        ({"temperature": 1, "top_p": 0.9}, {"temperature": 1.0, "top_p": 0.9}),
        ({"stop_sequences": ["END"]}, {"stop_sequences": ["END"]}),
        ({"metadata": {"user_id": "u"}}, {"metadata": {"end_user": "u"}}),
        ({"output_config": {"format": SCHEMA_FORMAT}}, EXPECTED_FORMAT),
        ({"output_format": SCHEMA_FORMAT}, EXPECTED_FORMAT),
        ({"output_config": {"effort": "max"}}, {"reasoning_effort": "REASONING_EFFORT_HIGH"}),
        ({"thinking": {"type": "disabled"}}, {"reasoning_effort": "REASONING_EFFORT_NONE"}),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 1024, "display": "omitted"}},
            {"reasoning_effort": "REASONING_EFFORT_LOW"},
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 32_000, "display": "omitted"}},
            {"reasoning_effort": "REASONING_EFFORT_HIGH"},
        ),
        ({"tool_choice": {"type": "auto"}, "service_tier": "auto"}, {}),
    ],
)
def test_parameters_become_options(body: dict[str, Any], expected: dict[str, Any]) -> None:
    assert options(**body) == expected


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "any"}, {"mode": "TOOL_CHOICE_MODE_REQUIRED"}),
        ({"type": "none"}, {"mode": "TOOL_CHOICE_MODE_NONE"}),
        (
            {"type": "tool", "name": "weather"},
            {"mode": "TOOL_CHOICE_MODE_TOOL", "tool_name": "weather"},
        ),
    ],
)
def test_tools_and_the_choice_among_them(choice: dict[str, Any], expected: dict[str, Any]) -> None:
    found = options(
        tools=[WEATHER, {**WEATHER, "type": "custom", "name": "other", "strict": True}],
        tool_choice={**choice, "disable_parallel_tool_use": True},
    )
    assert found["tool_choice"] == expected
    assert found["parallel_tool_calls"] is False
    assert found["tools"] == [
        {"name": "weather", "description": "Tells it.", "parameters_json": '{"type":"object"}'},
        {
            "name": "other",
            "description": "Tells it.",
            "parameters_json": '{"type":"object"}',
            "strict": True,
        },
    ]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"model": "org/alpha"}, True),
        ({"model": "routemoa/single"}, True),
        ({"model": "routemoa", "routemoa": {"policy": {"strategy": "single"}}}, True),
        ({"model": "routemoa"}, False),
        ({"model": "routemoa/moa"}, False),
        ({"model": "org/alpha", "thinking": {"type": "adaptive", "display": "omitted"}}, False),
        ({"model": "org/alpha", "thinking": {"type": "disabled"}}, False),
    ],
)
def test_thinking_is_shown_where_one_model_answers(body: dict[str, Any], *, shown: bool) -> None:
    found = options(**{"thinking": {"type": "adaptive"}, **body})
    assert found.get("include_reasoning", False) is shown


def of_user(block: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [block]}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": of_user({"type": "container_upload"})}, "messages[0].content[0].type"),
        ({"messages": of_user({"type": "tool_result"})}, "messages[0].content[0].tool_use_id"),
        ({"messages": of_user({"type": "image"})}, "messages[0].content[0].source"),
        (
            {"messages": of_user({"type": "image", "source": {"type": "file", "file_id": "f"}})},
            "messages[0].content[0].source.type",
        ),
        (
            {"messages": of_user({"type": "image", "source": {"type": "url", "url": "ftp://a"}})},
            "messages[0].content[0].source.url",
        ),
        ({"tools": [{"type": "web_search_20260318", "name": "w"}]}, "tools[0].type"),
        ({"tools": [{"name": "w"}]}, "tools[0].input_schema"),
        ({"tool_choice": {"type": "many"}}, "tool_choice.type"),
        ({"top_k": 5}, "top_k"),
        ({"mcp_servers": [{}]}, "mcp_servers"),
        ({"surprise": 1}, "surprise"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
        ({"output_config": {"effort": "lots"}}, "output_config.effort"),
        ({"system": [{"type": "image"}]}, "system[0].type"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(body: dict[str, Any], field: str) -> None:
    assert list(problems(**body)) == [field]


@pytest.mark.parametrize(
    ("kind", "status", "name"),
    [
        (ErrorKind.INVALID_REQUEST, 400, "invalid_request_error"),
        (ErrorKind.AUTHENTICATION, 401, "authentication_error"),
        (ErrorKind.PERMISSION, 403, "permission_error"),
        (ErrorKind.NOT_FOUND, 404, "not_found_error"),
        (ErrorKind.TOO_LARGE, 413, "request_too_large"),
        (ErrorKind.RATE_LIMITED, 429, "rate_limit_error"),
        (ErrorKind.OVERLOADED, 529, "overloaded_error"),
        (ErrorKind.INTERNAL, 500, "api_error"),
    ],
)
def test_errors_have_this_apis_form(kind: ErrorKind, status: int, name: str) -> None:
    problem = Problem(field="options.stop_sequences[0]", description="must be shorter")
    error = ApiError(kind, "options.stop_sequences[0]: must be shorter", problems=[problem])
    assert MessagesApi().error(error, "r1") == (
        status,
        {
            "type": "error",
            "error": {"type": name, "message": "stop_sequences[0]: must be shorter"},
            "request_id": "r1",
        },
    )
