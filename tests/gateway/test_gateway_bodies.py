"""Bodies that are wrong, too large, too deep, or more than the gateway can hold."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from services.gateway.http import body as bodies
from tests.gateway.conftest import QUESTION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.gateway.conftest import Front, StartFront

JSON = {"content-type": "application/json"}
TOOL = {"type": "function", "function": {"name": "lookup", "parameters": {"type": "object"}}}


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "routemoa", "messages": [QUESTION]} | fields).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"[]",
        b'"text"',
        b"null",
        b"{" * 1_000_000,
        b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 300 + b"1" + b"}" * 300,
        b'{"temperature":NaN}',
        b'{"model":"\xff"}',
        b'{"model":"\\ud800"}',
        b'{"seed":' + b"9" * 5000 + b"}",
    ],
    ids=lambda data: repr(data[:20]),
)
async def test_a_body_that_cannot_be_read_is_refused(front: Front, data: bytes) -> None:
    reply = await front.post("/v1/chat/completions", data=data, headers=JSON)
    assert reply.status == 400
    assert reply.error["type"] == "invalid_request_error"
    assert len(reply.text) < 1000


async def test_a_page_elsewhere_cannot_send_a_body_without_asking(front: Front) -> None:
    for headers in (
        {"content-type": "text/plain"},
        {"content-type": "text/plain;application/json"},
    ):
        reply = await front.post("/v1/chat/completions", data=body(), headers=headers)
        assert reply.status == 400
        assert "application/json" in reply.error["message"]
    charset = {"content-type": "application/json; charset=utf-8"}
    assert (await front.post("/v1/chat/completions", data=body(), headers=charset)).status == 200


async def test_a_compressed_body_is_refused(front: Front) -> None:
    headers = JSON | {"content-encoding": "gzip"}
    reply = await front.post("/v1/chat/completions", data=body(), headers=headers)
    assert reply.status == 400
    assert "Content-Encoding" in reply.error["message"]


async def test_a_body_that_is_too_large_is_refused(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MAX_BODY_BYTES", 100_000)
    monkeypatch.setattr(bodies, "MAX_DISCARDED_BYTES", 200_000)
    large = body(user="x" * 100_000)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 10_000):
            yield large[start : start + 10_000]

    for data in (large, chunks()):
        reply = await front.post("/v1/chat/completions", data=data, headers=JSON)
        assert (reply.status, reply.error["code"]) == (413, "request_too_large")
    announced = JSON | {"content-length": "999999999999"}
    reply = await front.post("/v1/chat/completions", data=b"", headers=announced)
    assert reply.status == 413
    assert not front.router.requests


async def test_bodies_together_are_bounded_and_make_room_when_they_end(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MAX_HELD_BYTES", 100_000)
    reply = await front.chat(user="x" * 100_000)
    assert (reply.status, reply.error["code"]) == (503, "overloaded")
    assert "x-should-retry" not in reply.headers
    for _ in range(5):
        assert (await front.chat(user="x" * 60_000)).status == 200


async def test_a_body_that_does_not_arrive_is_given_up(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_S", 0.1)
    host, _, port = front.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{"
    )
    assert b"504" in await reader.readline()
    writer.close()


async def test_headers_without_an_end_are_refused(front: Front) -> None:
    host, _, port = front.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\nx-long: " + b"a" * 1_000_000)
    assert b"400" in await reader.readline()
    writer.close()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"colour": "red"}, "colour"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"function_call": "auto"}, "function_call"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"messages": None}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": ["hello"]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": "hello"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [QUESTION | {"mood": "odd"}]}, "messages[0].mood"),
        ({"messages": [{"role": "tool", "content": "8"}]}, "messages[0].tool_call_id"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "1", "type": "function"}]}]},
            "messages[0].tool_calls[0].function",
        ),
        ({"model": None}, "model"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 10**400}, "temperature"),
        ({"max_tokens": 10**12}, "max_tokens"),
        ({"max_tokens": 2.5}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens"),
        ({"stop": [1]}, "stop[0]"),
        ({"top_logprobs": 5}, "top_logprobs"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"tools": [{"type": "browser"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]},
            "tools[0].function.parameters",
        ),
        ({"tools": [TOOL], "tool_choice": "maybe"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
            "response_format.json_schema.schema",
        ),
        ({"metadata": {"a": 1}}, "metadata.a"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_field_that_is_wrong_is_named(
    front: Front, fields: dict[str, Any], param: str
) -> None:
    reply = await front.chat(**fields)
    assert reply.status == 400
    assert reply.error["param"] == param
    assert not front.router.requests


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}, "image_url.url"),
        ({"type": "image_url", "image_url": {"url": "ftp://host/cat.png"}}, "image_url.url"),
        ({"type": "image_url", "image_url": {"url": "data:text/html,<b>"}}, "image_url.url"),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,***"}},
            "image_url.url",
        ),
        ({"type": "image_url"}, "image_url"),
        ({"type": "input_audio", "input_audio": {"data": "AAAA"}}, "input_audio.format"),
        ({"type": "file", "file": {"file_id": "file-1"}}, "file.file_id"),
        ({"type": "video"}, "type"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_part_that_is_wrong_is_named(
    front: Front, part: dict[str, Any], param: str
) -> None:
    text = {"type": "text", "text": "What is this?"}
    reply = await front.chat(messages=[{"role": "user", "content": [text, part]}])
    assert reply.status == 400
    assert reply.error["param"] == f"messages[0].content[1].{param}"


async def test_all_problems_are_named_at_once(front: Front) -> None:
    reply = await front.chat(n=3, temperature="hot", colour="red", tools=[{"type": "browser"}])
    params = {problem["param"] for problem in reply.error["problems"]}
    assert params == {"n", "temperature", "colour", "tools[0].type"}


async def test_a_body_of_many_problems_is_answered_shortly(front: Front) -> None:
    reply = await front.chat(messages=[1] * 10_000)
    assert reply.status == 400
    assert len(reply.text) < 20_000
    assert "9950 more" in reply.error["message"]


async def test_what_openai_takes_and_changes_nothing_here_is_ignored(front: Front) -> None:
    reply = await front.chat(
        store=True, service_tier="auto", n=1, tools=None, logit_bias=None, verbosity="low"
    )
    assert reply.status == 200


async def test_messages_of_many_tools_reach_the_router_which_knows_the_limits(
    start_front: StartFront,
) -> None:
    front = await start_front()
    assert (await front.chat(tools=[TOOL] * 200)).status == 200
    assert len(front.router.requests[0].options.tools) == 200
