from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.http.backend_message import (
    MAX_CHARACTERS,
    backend_message,
    secrets_of,
)

KEY = "sk-test-0123456789abcdef"


def message(words: str, http_status: int | None = None) -> str:
    return backend_message(words, http_status=http_status, secrets=[KEY])


@given(st.text(), st.none() | st.just(400))
def test_a_message_is_one_short_line_without_control_characters(
    words: str, http_status: int | None
) -> None:
    line = message(words, http_status)
    assert len(line) <= MAX_CHARACTERS
    assert not any(unicodedata.category(c).startswith("C") for c in line)
    assert line.splitlines() in ([], [line])


@pytest.mark.parametrize(
    ("words", "http_status", "line"),
    [
        ("", None, ""),
        ("", 502, "502"),
        ("no such\n  model", 404, "404: no such model"),
        ("\x1b[31mred\u202eder\u200b", None, "[31mredder"),
    ],
)
def test_the_status_stands_before_the_words(words: str, http_status: int | None, line: str) -> None:
    assert message(words, http_status) == line


def test_a_long_message_is_cut() -> None:
    line = message("word " * 100_000, 500)
    assert len(line) == MAX_CHARACTERS
    assert line.endswith("…")


@given(st.text(max_size=20), st.text(max_size=20), st.integers(8, len(KEY)))
def test_the_key_or_its_start_is_never_in_a_message(before: str, after: str, length: int) -> None:
    assert KEY[:8] not in message(before + KEY[:length] + after)


@pytest.mark.parametrize("blanks", range(8_192 - len(KEY), 8_193))
def test_a_key_at_the_end_of_what_is_read_is_not_in_a_message(blanks: int) -> None:
    line = message(" " * blanks + KEY)
    assert not any(KEY[:length] in line for length in range(4, len(KEY)))


def test_keys_with_invisible_characters_within_are_found() -> None:
    assert message("sk-test\u200b-0123456789abcdef") == "***"


def test_the_secrets_of_a_request_are_the_values_of_its_own_headers() -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Accept": "text/event-stream", "api-key": "abc"}
    assert secrets_of(headers) == (KEY, "abc")
