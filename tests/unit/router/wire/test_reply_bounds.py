"""Whatever a backend writes, a reply has bounds, and what comes beside text counts too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.router.backends.dialects.openai_reader import OpenAiReader
from services.router.backends.http.exchange import Exchange
from services.router.types.ledger import CallStatus
from services.router.types.options import GenerationOptions, Tool
from services.router.types.pieces import LogProbabilitiesPiece, Piece, ToolCallPiece
from tests.unit.router.pool_models import model

OPTIONS = GenerationOptions(tools=(Tool(name="f"),), top_log_probabilities=5)
MANY = 20_000


def event(delta: dict[str, Any], **choice: Any) -> bytes:
    return f"data: {json.dumps({'choices': [{'delta': delta, **choice}]})}\n\n".encode()


def read(*events: bytes, options: GenerationOptions = OPTIONS) -> tuple[OpenAiReader, list[Piece]]:
    exchange = Exchange(model=model(4096), base_url="", messages=(), options=options)
    reader = OpenAiReader(exchange)
    pieces: list[Piece] = []
    for data in events:
        new = reader.read(data)
        for piece in new:
            exchange.add(piece)
        pieces += new
        if reader.failure is not None:
            break
    return reader, pieces


LIKELY = {"token": "x" * 200, "logprob": -1.0}
FLOODS = {
    "arguments": event({"tool_calls": [{"index": 0, "function": {"arguments": "x" * 200}}]}),
    "arguments of no tool": event({"tool_calls": [{"function": {"arguments": "x" * 200}}]}),
    "names": event({"tool_calls": [{"index": 0, "function": {"name": "f" * 200}}]}),
    "refusal": event({"refusal": "x" * 200}),
    "reasoning": event({"reasoning_content": "x" * 200}),
    "log probabilities": event(
        {"content": ""}, logprobs={"content": [{**LIKELY, "top_logprobs": [LIKELY] * 5}]}
    ),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_anything_ends_the_attempt(flood: str) -> None:
    begin = event({"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "f"}}]})
    begun = [] if flood == "arguments of no tool" else [begin]
    reader, pieces = read(*begun, *[FLOODS[flood]] * MANY)
    if flood == "names":  # a name that goes on after the call has begun is dropped
        assert sum(len(p.name) for p in pieces if isinstance(p, ToolCallPiece)) == 1
        return
    assert reader.failure is not None
    assert reader.failure.status is CallStatus.MALFORMED
    assert len(pieces) < MANY


def test_calls_count_as_progress_of_a_body() -> None:
    reader, _ = read(FLOODS["arguments"], event({"tool_calls": [{"function": {"name": "f"}}]}))
    assert reader.failure is None
    before = reader._exchange.received_characters
    assert before >= 200


def test_log_probabilities_have_at_most_the_alternatives_that_were_asked_for() -> None:
    likely = {**LIKELY, "top_logprobs": [LIKELY] * 50}
    _, pieces = read(event({"content": "Yes"}, logprobs={"content": [likely]}))
    (found,) = [piece for piece in pieces if isinstance(piece, LogProbabilitiesPiece)]
    assert len(found.tokens[0].alternatives) == 5


def test_a_call_after_the_first_is_dropped_where_only_one_is_allowed() -> None:
    options = GenerationOptions(tools=(Tool(name="f"),), parallel_tool_calls=False)
    calls = [{"index": n, "id": f"call_{n}", "function": {"name": "f"}} for n in range(3)]
    _, pieces = read(event({"tool_calls": calls}), options=options)
    assert pieces == [ToolCallPiece(call_index=0, id="call_0", name="f")]
