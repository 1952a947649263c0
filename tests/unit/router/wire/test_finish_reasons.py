from __future__ import annotations

import pytest

from services.router.backends.http.finish_reasons import failure_of, finish_reason_of, reason_word
from services.router.types.ledger import CallStatus, FinishReason


@pytest.mark.parametrize("value", [None, "", " ", "null", "None", False, 0, [], {}, {"type": ""}])
def test_a_value_that_says_nothing_is_no_finish_reason(value: object) -> None:
    assert reason_word(value) == ""


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        *(("stop", "STOP"), ("eos", "STOP"), ("eos_token", "STOP"), ("stop_sequence", "STOP")),
        *(("end_turn", "STOP"), ("STOP", "STOP"), ("FinishReason.STOP", "STOP")),
        *(("length", "LENGTH"), ("max_tokens", "LENGTH"), ("MAX_TOKENS", "LENGTH")),
        *(("model_length", "LENGTH"), ({"type": "length", "length": 7}, "LENGTH")),
        *(("content_filter", "CONTENT_FILTER"), ("SAFETY", "CONTENT_FILTER")),
        *(("tool_calls", "TOOL_CALLS"), ("function_call", "TOOL_CALLS")),
        ("refusal", "REFUSAL"),
    ],
)
def test_the_spellings_of_all_servers_are_known(value: object, reason: str) -> None:
    word = reason_word(value)
    assert failure_of(word) is None
    assert finish_reason_of(word) is FinishReason[reason]


@pytest.mark.parametrize("value", ["matched_grammar", True, 1, ["stop"], "x" * 1000])
def test_an_unknown_reason_is_an_end_that_is_not_named(value: object) -> None:
    word = reason_word(value)
    assert word
    assert failure_of(word) is None
    assert finish_reason_of(word) is None


def test_a_reason_that_is_a_failure_has_its_status() -> None:
    assert failure_of(reason_word("abort")) is CallStatus.INTERRUPTED
    assert failure_of(reason_word({"type": "abort"})) is CallStatus.INTERRUPTED
    assert failure_of(reason_word("error")) is CallStatus.BACKEND_ERROR
