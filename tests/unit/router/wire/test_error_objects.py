from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.http.attempt_failure import status_of_error
from services.router.backends.http.error_objects import is_error, read_error, read_error_body
from services.router.types.ledger import CallStatus

WORDS = ["error", "errors", "message", "detail", "code", "type", "status", "metadata", "raw", "msg"]
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("worker lost", "worker lost"),
        ({"error": "worker lost"}, "worker lost"),
        ({"error": {"message": "worker lost"}}, "worker lost"),
        ({"error": {"error": {"msg": "worker lost"}}}, "worker lost"),
        ([{"error": {"message": "worker lost"}}], "worker lost"),
        ({"detail": [{"loc": ["body"], "msg": "worker lost"}]}, "worker lost"),
        ({"errors": ["worker lost", "and more"]}, "worker lost"),
        (
            {"error": {"message": "gateway", "metadata": {"raw": "worker lost"}}},
            "gateway: worker lost",
        ),
        ({"error": {"code": 500}}, ""),
        ({"error": True, "message": "worker lost"}, "worker lost"),
        (None, ""),
        (7, ""),
    ],
)
def test_the_message_is_found_in_any_form(error: object, message: str) -> None:
    assert read_error(error).message == message
    if error is not None:
        assert read_error_body(json.dumps(error).encode()).message == message


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"error": {"code": 400}}, "REJECTED"),
        ({"error": {"code": "429"}}, "RATE_LIMITED"),
        ({"detail": "x", "status": 503}, "BACKEND_ERROR"),
        ({"error": {"type": "invalid_request_error"}}, "REJECTED"),
        ({"error": {"type": "rate_limit_error"}}, "RATE_LIMITED"),
        ({"error": "x", "error_type": "overloaded"}, "RATE_LIMITED"),
        ({"error": {"code": "insufficient_quota", "status": 429}}, "REJECTED"),
        ({"error": {"code": 1e400}}, "BACKEND_ERROR"),
        ({"error": {"code": True}}, "BACKEND_ERROR"),
        ({"error": {"code": "content_filter"}}, "REJECTED"),
        ({"error": "x"}, "BACKEND_ERROR"),
    ],
)
def test_the_status_follows_from_code_or_type(error: object, status: str) -> None:
    assert status_of_error(read_error(error)) is CallStatus[status]


def test_a_quota_that_is_used_up_is_no_rate_limit() -> None:
    error = read_error({"error": {"type": "insufficient_quota"}})
    assert status_of_error(error, 429) is CallStatus.REJECTED
    assert status_of_error(read_error({}), 429) is CallStatus.RATE_LIMITED


@pytest.mark.parametrize(
    "event",
    [
        {"choices": [{"delta": {"content": "x"}}]},
        {"choices": [], "usage": {"prompt_tokens": 1}, "message": "x"},
        {"error": None, "choices": []},
        {"message": {"content": "x"}, "done": False},
        {"object": "chat.completion.chunk", "choices": []},
        {},
    ],
)
def test_an_event_of_a_sound_reply_is_no_error(event: dict[str, Any]) -> None:
    assert not is_error(event)


@given(values)
def test_any_value_is_read(value: object) -> None:
    read_error(value)
    read_error_body(json.dumps(value).encode())


@given(st.binary(max_size=200))
def test_any_body_is_read(body: bytes) -> None:
    read_error_body(body)


def test_an_error_within_errors_without_end_is_read() -> None:
    assert read_error_body(b'{"error":' * 50_000).message
