from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from services.gateway.api import ApiError, ErrorKind, Problem
from services.gateway.responses.responses_api import ResponsesApi

PNG = "iVBORw0KGgo="
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object"},
    "strict": True,
}


def read(**body: Any) -> dict[str, Any]:
    """Returns the request to the router as JSON."""
    call = ResponsesApi().read({"model": "routemoa", "input": "Hi", **body}, {})
    return MessageToDict(call.request, preserving_proto_field_name=True)


def messages(*items: dict[str, Any], **body: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(input=list(items), **body)["messages"]
    return found


def options(**body: Any) -> dict[str, Any]:
    found = read(**body).get("options", {})
    found.pop("metadata", None)
    return dict(found)


def problems(**body: Any) -> dict[str, str]:
    with pytest.raises(ApiError) as caught:
        read(**body)
    assert caught.value.kind is ErrorKind.INVALID_REQUEST
    return {problem.field: problem.description for problem in caught.value.problems}


def test_a_text_is_the_users_message_and_instructions_are_the_systems() -> None:
    assert read()["messages"] == [{"role": "ROLE_USER", "content": "Hi"}]
    assert read(instructions="Be brief.")["messages"][0] == {
        "role": "ROLE_SYSTEM",
        "content": "Be brief.",
    }


def test_items_become_messages_with_calls_and_results() -> None:
    found = messages(
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "I look.", "annotations": []}],
        },
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"a":1}'},
        {"type": "function_call", "call_id": "c2", "name": "weather", "arguments": ""},
        {"type": "function_call_output", "call_id": "c1", "output": "sun"},
        {
            "type": "function_call_output",
            "call_id": "c2",
            "output": [{"type": "input_text", "text": "rain"}],
        },
    )
    assert found == [
        {"role": "ROLE_SYSTEM", "content": "Be brief."},
        {"role": "ROLE_USER", "content": "Weather?"},
        {
            "role": "ROLE_ASSISTANT",
            "content": "I look.",
            "tool_calls": [
                {"tool_call_id": "c1", "name": "weather", "arguments_json": '{"a":1}'},
                {"tool_call_id": "c2", "name": "weather", "arguments_json": "{}"},
            ],
        },
        {"role": "ROLE_TOOL", "content": "sun", "tool_call_id": "c1"},
        {"role": "ROLE_TOOL", "content": "rain", "tool_call_id": "c2"},
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "input_image", "image_url": "https://a.example/x.png", "detail": "low"},
            {"image": {"url": "https://a.example/x.png", "image_detail": "IMAGE_DETAIL_LOW"}},
        ),
        (
            {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
            {"image": {"data": PNG, "media_type": "image/png"}},
        ),
        (
            {"type": "input_file", "file_data": f"data:application/pdf;base64,{PNG}"},
            {"file": {"data": PNG, "media_type": "application/pdf"}},
        ),
        (
            {"type": "input_file", "file_url": "https://a.example/x.pdf", "filename": "x.pdf"},
            {"file": {"url": "https://a.example/x.pdf", "name": "x.pdf"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": PNG, "format": "mp3"}},
            {"audio": {"data": PNG, "media_type": "audio/mpeg"}},
        ),
    ],
)
def test_media_are_parts(part: dict[str, Any], expected: dict[str, Any]) -> None:
    text = {"type": "input_text", "text": "What is it?"}
    (found,) = messages({"role": "user", "content": [text, part]})
    assert found["parts"]["parts"] == [{"text": "What is it?"}, expected]


def test_an_image_in_a_result_follows_the_results_as_the_users() -> None:
    image = {"type": "input_image", "image_url": "https://a.example/x.png"}
    call = {"type": "function_call", "name": "shot", "arguments": "{}"}
    result = {"type": "function_call_output"}
    found = messages(
        {"role": "user", "content": "Look."},
        {**call, "call_id": "c1"},
        {**call, "call_id": "c2"},
        {**result, "call_id": "c1", "output": [image]},
        {**result, "call_id": "c2", "output": "done"},
    )
    assert [message["role"] for message in found[2:]] == ["ROLE_TOOL", "ROLE_TOOL", "ROLE_USER"]
    assert found[-1]["parts"]["parts"] == [{"image": {"url": "https://a.example/x.png"}}]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {}),
        ({"temperature": 0, "top_p": 0.5}, {"temperature": 0.0, "top_p": 0.5}),
        ({"max_output_tokens": 5}, {"max_output_token_count": 5}),
        ({"reasoning": {"effort": "xhigh"}}, {"reasoning_effort": "REASONING_EFFORT_HIGH"}),
        ({"reasoning": {"effort": "none"}}, {"reasoning_effort": "REASONING_EFFORT_NONE"}),
        ({"include": ["message.output_text.logprobs"]}, {"top_log_probability_count": 0}),
        ({"top_logprobs": 3}, {"top_log_probability_count": 3}),
        ({"top_logprobs": 0, "store": True, "truncation": "auto"}, {}),
        ({"text": {"format": {"type": "text"}, "verbosity": "low"}}, {}),
        ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"json_object": {}}}),
        (
            {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "n",
                        "schema": {"type": "object"},
                        "strict": True,
                    }
                }
            },
            {
                "response_format": {
                    "json_schema": {
                        "name": "n",
                        "schema_json": '{"type":"object"}',
                        "strict": True,
                    }
                }
            },
        ),
        ({"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}, {}),
    ],
)
def test_parameters_become_options(body: dict[str, Any], expected: dict[str, Any]) -> None:
    assert options(**body) == expected


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("none", {"mode": "TOOL_CHOICE_MODE_NONE"}),
        ("required", {"mode": "TOOL_CHOICE_MODE_REQUIRED"}),
        (
            {"type": "function", "name": "weather"},
            {"mode": "TOOL_CHOICE_MODE_TOOL", "tool_name": "weather"},
        ),
        (
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "weather"}],
            },
            {"mode": "TOOL_CHOICE_MODE_REQUIRED"},
        ),
    ],
)
def test_tools_and_the_choice_among_them(choice: object, expected: dict[str, Any]) -> None:
    others = [] if isinstance(choice, str) else [{"type": "function", "name": "other"}]
    found = options(tools=[WEATHER, *others], tool_choice=choice, parallel_tool_calls=False)
    assert found["tool_choice"] == expected
    assert found["parallel_tool_calls"] is False
    assert found["tools"][0] == {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters_json": '{"type":"object"}',
        "strict": True,
    }
    allowed_alone = isinstance(choice, dict) and choice["type"] == "allowed_tools"
    assert len(found["tools"]) == (1 if allowed_alone else 1 + len(others))


def test_the_end_user_and_metadata_are_passed_on() -> None:
    found = read(safety_identifier="u1", user="u2", metadata={"team": "a"})
    assert found["options"]["metadata"] == {"end_user": "u1", "tags": {"team": "a"}}
    assert read(user="u2")["options"]["metadata"] == {"end_user": "u2"}


def test_the_extension_and_headers_set_the_policy_and_come_before_the_apis_options() -> None:
    body = {
        "model": "routemoa",
        "input": "Hi",
        "temperature": 1,
        "routemoa": {"policy": {"max_layer_count": 2}, "options": {"temperature": 0.5}},
    }
    call = ResponsesApi().read(body, {"x-routemoa-max-cost-usd": "0.5"})
    assert call.request.policy.max_layer_count == 2
    assert call.request.policy.max_cost_usd == 0.5
    assert call.request.options.temperature == 0.5


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "custom", "name": "n"}]}, "tools[0].type"),
        ({"tool_choice": {"type": "file_search"}}, "tool_choice.type"),
        ({"tool_choice": "always"}, "tool_choice"),
        ({"surprise": 1}, "surprise"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_output_tokens": 2**31}, "max_output_tokens"),
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type"),
        ({"input": [{"type": "computer_call"}]}, "input[0].type"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"text": {"format": {"type": "yaml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
        ({"reasoning": {"effort": "lots"}}, "reasoning.effort"),
        ({"metadata": {"n": 1}}, "metadata.n"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(body: dict[str, Any], field: str) -> None:
    assert list(problems(**body)) == [field]


@pytest.mark.parametrize(
    ("url", "description"),
    [
        ("file:///etc/passwd", "scheme"),
        ("http://", "scheme"),
        ("data:image/png,abc", "base64"),
        ("data:image/png;base64,a*c=", "base64"),
        ("data:image/png;base64,", "empty"),
    ],
)
def test_a_url_that_is_no_medium_is_refused(url: str, description: str) -> None:
    part = {"type": "input_image", "image_url": url}
    found = problems(input=[{"role": "user", "content": [part]}])
    assert description in found["input[0].content[0].image_url"]


def test_all_problems_come_at_once() -> None:
    found = problems(
        model=None, temperature="hot", tools=[{"type": "mcp"}], input=[{"role": "user"}], seed=1
    )
    assert set(found) == {"model", "temperature", "tools[0].type", "input[0].content", "seed"}


def test_the_routers_problems_have_this_apis_names() -> None:
    error = ApiError(
        ErrorKind.INVALID_REQUEST,
        "options.max_output_token_count: must be in [1, 1,000,000]",
        problems=[
            Problem(field="options.max_output_token_count", description="must be more"),
            Problem(field="messages[2].content", description="must not be empty"),
        ],
        code="ERROR_REASON_INVALID_FIELD",
    )
    status, body = ResponsesApi().error(error, "r1")
    assert status == 400
    assert body["error"]["param"] == "max_output_tokens"
    assert body["error"]["message"] == (
        "max_output_tokens: must be more; input[2].content: must not be empty"
    )
    assert body["error"]["code"] == "invalid_field"
