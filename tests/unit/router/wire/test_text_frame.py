"""The frame of text events: their text is the one that a parser finds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.dialects.openai_reader import OpenAiReader
from services.router.backends.http.exchange import Exchange
from services.router.backends.http.text_frame import TextFrame
from services.router.types.ledger import FinishReason
from tests.unit.router.pool_models import model

SEPARATORS = ((",", ":"), (", ", ": "))
TRICKY = (
    "logprobs",
    "content",
    '"',
    "\\",
    "\\u0041",
    "a\nb",
    "\x7f",
    "\u2028",
    "é",
    "𝄞",
    "{}",
    "]}",
)
characters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
texts = st.lists(st.text(characters, max_size=6) | st.sampled_from(TRICKY), min_size=1, max_size=12)


def chunk(text: str, **fields: Any) -> dict[str, Any]:
    """Returns an event with a text."""
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
    return {"id": "c", "choices": [choice], "object": "chunk"} | fields


def frame_of(event: str) -> TextFrame | None:
    """Returns the frame of an event."""
    value = json.loads(event)
    return TextFrame.of(event, value, value["choices"][0]["delta"])


def stream(events: list[str]) -> bytes:
    """Returns server-sent events."""
    return "".join(f"data: {event}\n\n" for event in events).encode()


def opened() -> tuple[OpenAiReader, Exchange]:
    """Returns a reader and its exchange."""
    exchange = Exchange(model=model(8192), base_url="http://backend", messages=())
    return OpenAiReader(exchange), exchange


@given(texts=texts, separators=st.sampled_from(SEPARATORS), escapes=st.booleans())
def test_a_reader_gives_the_texts_that_a_parser_finds(
    texts: list[str], separators: tuple[str, str], escapes: bool
) -> None:
    events = [
        json.dumps(chunk(text), separators=separators, ensure_ascii=escapes)
        for text in ["It says:", *texts]
    ]
    expected = "".join(json.loads(event)["choices"][0]["delta"]["content"] for event in events)
    reader, _ = opened()
    pieces = reader.read(stream(events)) + reader.read(stream(["[DONE]"])) + reader.finish()
    assert "".join(map(str, pieces)) == expected


@given(first=st.text(min_size=1, max_size=6), other=st.text(max_size=6))
def test_a_frame_cuts_out_the_text_or_nothing(first: str, other: str) -> None:
    event, further = (json.dumps(chunk(t), ensure_ascii=False) for t in (first, other))
    frame = frame_of(event)
    assert frame is None or frame.text_in(further) in {other, None}


def test_most_events_need_no_parser() -> None:
    frame = frame_of(json.dumps(chunk("first")))
    assert frame is not None
    assert frame.text_in(json.dumps(chunk(" second"))) == " second"


@pytest.mark.parametrize(
    "event",
    [
        '{"choices": [{"delta": {"content": "text", "role": "text"}}]}',
        '{"choices": [{"delta": {"content": "text"}}], "id": "text"}',
        '{"choices": [{"delta": {"content": "t\\u0065xt"}}]}',
        '{"choices": [{"delta": {"content": "gone", "content": "text"}, "name": "text"}]}',
    ],
)
def test_a_text_that_stands_elsewhere_too_makes_no_frame(event: str) -> None:
    assert frame_of(event) is None


def test_a_frame_reads_no_event_that_has_more_than_text() -> None:
    reader, exchange = opened()
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    last = chunk("c")
    last["choices"][0]["finish_reason"] = "length"
    events = [chunk("a"), chunk("b"), chunk("", usage=usage), last]
    pieces = reader.read(stream([json.dumps(event) for event in events]))
    assert "".join(map(str, pieces)) == "abc"
    assert exchange.finish_reason is FinishReason.LENGTH
    assert exchange.reported is not None
    assert exchange.reported.completion_tokens == 2


def test_a_reply_may_have_another_frame_in_every_event() -> None:
    reader, _ = opened()
    events = [json.dumps(chunk(f"{number};", obfuscation="x" * number)) for number in range(99)]
    pieces = reader.read(stream(events))
    assert "".join(map(str, pieces)) == "".join(f"{number};" for number in range(99))
