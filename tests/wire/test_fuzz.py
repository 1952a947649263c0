"""Readers take any bytes, and do not care how they are cut."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.router.backends.collected import CollectedReply
from services.router.backends.dialects.backend_dialects import DIALECTS
from services.router.backends.http.exchange import Exchange
from services.router.pool.backend import Backend
from services.router.types.options import GenerationOptions, Tool
from tests.wire.attempt import QUESTION, pool_model

if TYPE_CHECKING:
    from services.router.types.pieces import Piece

WORDS = [
    *("error", "object", "choices", "delta", "content", "reasoning", "reasoning_content", "usage"),
    *("finish_reason", "prompt_tokens", "completion_tokens", "prompt_tokens_details", "cost"),
    *("message", "thinking", "done", "eval_count", "prompt_eval_count", "timings", "prompt_n"),
    *("token", "text", "special", "generated_text", "details", "generated_tokens", "input_length"),
    *("total_tokens", "cached_tokens", "cache_write_tokens", "cache_read_input_tokens"),
    *("is_byok", "cost_details", "upstream_inference_cost", "completion_tokens_details"),
    *("tool_calls", "function_call", "function", "name", "arguments", "id", "index", "refusal"),
    *("logprobs", "token", "logprob", "top_logprobs"),
    *("code", "stop", "abort", "<think>", "</think>", "\n\nUser:"),
]
OPTIONS = GenerationOptions(
    tools=(Tool(name="code"),), include_reasoning=True, top_log_probabilities=2
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
    ),
    max_leaves=12,
)
streams = st.lists(values.map(json.dumps) | st.just("[DONE]"), max_size=6)


def read(backend: Backend, data: bytes, size: int) -> tuple[object, ...]:
    exchange = Exchange(
        model=pool_model("http://localhost", backend),
        base_url="",
        messages=QUESTION,
        options=OPTIONS,
    )
    reader = DIALECTS[backend].reader(exchange)
    pieces: list[Piece] = []
    for start in range(0, len(data), size):
        pieces += reader.read(data[start : start + size])
        if reader.failure is not None or reader.done:
            break
    else:
        pieces += reader.finish()
    status = reader.failure.status if reader.failure else None
    text, others = "", CollectedReply()
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
        else:
            others.add(piece)
    calls = [(call.name, call.arguments_json) for call in others.tool_calls]
    beside = (calls, others.refusal, others.reasoning, others.log_probabilities)
    return text, beside, exchange.usage, exchange.reasoning_characters, status, reader.finished


@pytest.mark.parametrize("backend", list(Backend))
@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(1, 9))
def test_any_bytes_are_read_or_refused(backend: Backend, data: bytes, size: int) -> None:
    read(backend, data, size)


@pytest.mark.parametrize("backend", list(Backend))
@settings(deadline=None)
@given(streams, st.integers(1, 9))
def test_any_events_are_read_the_same_however_they_are_cut(
    backend: Backend, events: list[str], size: int
) -> None:
    mark = "" if backend is Backend.OLLAMA else "data: "
    end = "\n" if backend is Backend.OLLAMA else "\n\n"
    data = "".join(f"{mark}{event}{end}" for event in events).encode()
    assert read(backend, data, size) == read(backend, data, max(1, len(data)))
