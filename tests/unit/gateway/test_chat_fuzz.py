"""Requests that are wrong in any way: each is read, or refused with what is wrong."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.api import ApiError, ErrorKind
from services.gateway.chat.chat_errors import error_body
from services.gateway.chat.chat_request import read_chat

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE: dict[str, Any] = {
    "model": "routemoa",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "name": "ada",
            "content": [
                {"type": "text", "text": "What is this?"},
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"},
                },
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {
                    "type": "file",
                    "file": {
                        "filename": "a.pdf",
                        "file_data": "data:application/pdf;base64,AAAA",
                    },
                },
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": "8"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}, "strict": True}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": False,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "legs", "schema": {"type": "object"}, "strict": True},
    },
    "temperature": 0.5,
    "top_p": 0.9,
    "max_completion_tokens": 100,
    "stop": ["\n"],
    "seed": 7,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.1,
    "logprobs": True,
    "top_logprobs": 2,
    "reasoning_effort": "low",
    "stream": True,
    "stream_options": {"include_usage": True},
    "user": "u",
    "metadata": {"a": "b"},
    "n": 1,
    "modalities": ["text"],
    "routemoa": {
        "policy": {"max_cost_usd": 0.01, "model_ids": ["a"], "max_expected_latency": "1s"},
        "options": {"metadata": {"tags": {"c": "d"}}},
    },
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)  # JSON has no surrogates
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yields the path of every value."""
    if path:
        yield path
    if isinstance(value, list):
        value = dict(enumerate(value))
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield from places(inner, (*path, name))


PLACES = list(places(WHOLE))


def read_or_refused(body: dict[str, Any], headers: dict[str, str]) -> None:
    """Fails unless a request is read, or refused with its problems."""
    refusal: ApiError | None = None
    try:
        read_chat(body, headers).request.SerializeToString()
    except ApiError as error:
        refusal = error
    if refusal is not None:
        assert refusal.kind is ErrorKind.INVALID_REQUEST
        assert refusal.problems
        status, form = error_body(refusal, "id")
        assert status == 400
        assert len(json.dumps(form)) < 60_000


def test_the_whole_request_is_read() -> None:
    call = read_chat(WHOLE, {})
    assert call.stream
    assert call.include_usage
    assert len(call.request.messages) == 4
    assert len(call.request.messages[1].parts.parts) == 4
    assert call.request.options.metadata.tags == {"a": "b", "c": "d"}


@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3))
def test_any_value_anywhere_is_read_or_refused(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    body = copy.deepcopy(WHOLE)
    for (*parents, last), value in changes:
        place: Any = body
        try:
            for name in parents:
                place = place[name]
            place[last] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    read_or_refused(body, {})


@given(TEXTS, TEXTS)
def test_any_header_of_ours_is_read_or_refused(name: str, value: str) -> None:
    for header in (f"x-routemoa-{name}", "x-routemoa-max-cost-usd", "x-routemoa-session-id"):
        read_or_refused(WHOLE, {header: value})
