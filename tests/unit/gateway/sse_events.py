"""Reads server-sent events as a client does."""

from __future__ import annotations

import json
from typing import Any

from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as pb


def events_of(data: bytes) -> list[dict[str, Any]]:
    """Returns the data of events; each event's name must be the type of its data."""
    found = []
    for block in data.decode().split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith(":")]
        if not lines:
            continue
        name, text = lines
        event = json.loads(text.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


def text_delta(text: str) -> pb.StreamAnswerResponse:
    return pb.StreamAnswerResponse(delta=pb.AnswerDelta(text=text))


def call_delta(index: int, text: str, *, call_id: str = "", name: str = "") -> pb.AnswerDelta:
    piece = pb.ToolCallDelta(call_index=index, tool_call_id=call_id, name=name, arguments_json=text)
    return pb.AnswerDelta(tool_calls=[piece])


def result_of(answer: model_pb2.Answer) -> pb.GenerateAnswerResponse:
    """Returns a result with two calls in its ledger."""
    usage = [
        pb.UsageEntry(prompt_token_count=10, cached_prompt_token_count=4, completion_token_count=3),
        pb.UsageEntry(
            prompt_token_count=7,
            cache_written_prompt_token_count=2,
            completion_token_count=5,
            reasoning_token_count=1,
        ),
    ]
    return pb.GenerateAnswerResponse(answer=answer, usage=usage, strategy="routemoa")


def result_event(answer: model_pb2.Answer) -> pb.StreamAnswerResponse:
    return pb.StreamAnswerResponse(result=result_of(answer))
