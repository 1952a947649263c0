from __future__ import annotations

import json
import unicodedata

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from routemoa.cli.terminal import enum_label, print_json, printable, seconds, span, usd
from routemoa.v1 import router_service_pb2 as router_pb2
from routemoa.v1.model_pb2 import Answer


@given(st.text())
def test_printable_text_moves_no_cursor(text: str) -> None:
    kept = [c for c in printable(text) if unicodedata.category(c) == "Cc"]
    assert set(kept) <= {"\n", "\t"}


BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""All characters with the property Bidi_Control."""
OTHERS = "\u2028\u2029\u206a\u206b\u206c\u206d\u206e\u206f"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters=BIDI + OTHERS)))
def test_printable_text_without_control_codes_is_unchanged(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("code", [*BIDI, "\u2028", "\x1b", "\x9b", "\x7f", "\ud800"])
def test_no_text_is_shown_in_another_order_than_it_has(
    code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printable(f"a{code}b") == "a\N{REPLACEMENT CHARACTER}b"
    print_json({"text": f"a{code}b"})
    shown = capsys.readouterr().out
    assert code not in shown
    assert json.loads(shown)["text"] == f"a{code}b"


@pytest.mark.parametrize("text", ["שלום", "مرحبا 123", "👩‍💻", "किताब", "e\u0301"])
def test_writing_of_every_direction_is_unchanged(text: str) -> None:
    assert printable(text) == text


def test_an_escape_sequence_shows_as_text() -> None:
    assert printable("\x1b[2Jgone\r\n") == "\N{REPLACEMENT CHARACTER}[2Jgone\n"


def test_dollars_have_the_places_that_their_size_needs() -> None:
    assert [usd(0), usd(0.000213), usd(0.5), usd(1234.5)] == [
        "$0.000000",
        "$0.000213",
        "$0.500000",
        "$1,234.50",
    ]


def test_spans_are_milliseconds_below_a_second() -> None:
    assert [span(0.0004), span(0.25), span(1.0), span(61.238)] == [
        "0.4 ms",
        "250 ms",
        "1.00 s",
        "61.24 s",
    ]


def test_durations_keep_their_fraction() -> None:
    assert seconds(Duration(seconds=2, nanos=500_000_000)) == 2.5


def test_enum_values_are_words_even_when_unknown_here() -> None:
    statuses = router_pb2.CallStatus.DESCRIPTOR
    assert enum_label(statuses, router_pb2.CALL_STATUS_RATE_LIMITED) == "rate limited"
    assert enum_label(statuses, 9999) == "unknown (9999)"


def test_json_has_every_field_under_its_name_in_the_contract(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_json(router_pb2.GenerateAnswerResponse(answer=Answer(text="Österreich")))
    content = json.loads(capsys.readouterr().out)
    assert content["answer"]["text"] == "Österreich"
    assert content["cost_usd"] == 0.0
    assert content["stop_reason"] == "STOP_REASON_UNSPECIFIED"
