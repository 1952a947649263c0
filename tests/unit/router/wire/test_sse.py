from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.http.decoders import (
    MAX_EVENT_BYTES,
    MAX_EVENT_LINES,
    LinesError,
    SseDecoder,
)

lines = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1)


def decode(data: bytes, size: int) -> list[str]:
    decoder = SseDecoder()
    events: list[str] = []
    for start in range(0, len(data), size):
        events += decoder.feed(data[start : start + size])
    return events


@given(st.lists(lines), st.integers(1, 50), st.sampled_from(["\n", "\r\n", "\r"]))
def test_events_are_the_same_however_the_bytes_are_cut(
    events: list[str], size: int, newline: str
) -> None:
    data = "".join(f"data: {event}{newline}{newline}" for event in events).encode()
    assert decode(data, size) == events


def test_comments_and_other_fields_are_skipped_and_data_lines_joined() -> None:
    data = b": keep-alive\n\nevent: x\nid: 7\ndata:one\ndata: two\n\ndata: [DONE]\n\n"
    assert decode(data, 5) == ["one\ntwo", "[DONE]"]


def test_an_event_without_its_blank_line_is_not_given_out() -> None:
    assert decode(b"data: half\n", 3) == []


def test_an_event_that_is_pending_at_the_end_is_given_out_then() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: one\ndata: tw") == []
    assert decoder.finish() == ["one\ntw"]
    assert decoder.finish() == []


def test_a_whole_object_does_not_wait_for_its_blank_line() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b'data: {"a": 1}\n') == ['{"a": 1}']
    assert decoder.feed(b'\ndata: {"a": 2\n') == []
    assert decoder.feed(b"data: }\n\n") == ['{"a": 2\n}']


@pytest.mark.parametrize(
    ("data", "event"),
    [
        (b"event: error\ndata: lost\n\n", '{"error": "lost"}'),
        (b"event:error\ndata:{}\n\n", '{"error": "{}"}'),
        (b'error: {"code": 500}\n\n', '{"error": {"code": 500}}'),
        (b'{\n "detail": "x"\n}\n\n', '{\n "detail": "x"\n}'),
        (b"\xef\xbb\xbfdata: x\n\n", "x"),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_careless_forms_are_understood(data: bytes, event: str, size: int) -> None:
    assert decode(data, size) == [event]


def test_an_event_type_counts_for_one_event() -> None:
    data = b"event: error\n\ndata: sound\n\nevent: error\ndata: bad\n\ndata: sound\n\n"
    assert decode(data, 7) == ["sound", '{"error": "bad"}', "sound"]


@given(st.binary())
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    with contextlib.suppress(LinesError):
        decode(data, 3)


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(LinesError):
        decode(b"data: " + b"x" * (MAX_EVENT_BYTES + 1), 1 << 16)


def test_an_event_without_end_is_refused() -> None:
    with pytest.raises(LinesError):
        decode(b"data: xxxxxxxxxx\n" * (MAX_EVENT_BYTES // 10 + 1), 1 << 16)


def test_an_event_of_too_many_lines_is_refused() -> None:
    decode(b"data:\n" * MAX_EVENT_LINES, 1 << 16)
    with pytest.raises(LinesError):
        decode(b"data:\n" * (MAX_EVENT_LINES + 1), 1 << 16)
