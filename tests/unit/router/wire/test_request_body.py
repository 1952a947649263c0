"""The body of a request to a backend."""

from __future__ import annotations

import json

from services.router.backends.dialects.dialect import body
from tests.wire.attempt import pool_model

MODEL = pool_model("http://127.0.0.1:9/v1")


def test_text_is_sent_as_it_is() -> None:
    assert (
        body({"content": "größer \U0001f577"}, MODEL) == '{"content":"größer \U0001f577"}'.encode()
    )


def test_half_of_a_surrogate_pair_is_sent_as_its_escape() -> None:
    sent = body({"description": "a\ud83d"}, MODEL)
    assert sent.isascii()
    assert json.loads(sent) == {"description": "a\ud83d"}
