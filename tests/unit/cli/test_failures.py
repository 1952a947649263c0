from __future__ import annotations

import grpc
import pytest

from routemoa.cli.failures import EXIT_BAD_INPUT, EXIT_FAILURE, StackError, describe
from routemoa.errors import (
    ERRORS,
    FieldViolation,
    InternalError,
    InvalidFieldError,
    ModelNotFoundError,
    OverloadedError,
    RouteMoAError,
    TransportError,
)

ADDRESS = "127.0.0.1:50052"


def error_of(reason: str) -> RouteMoAError:
    kind = ERRORS[reason]
    error = kind.__new__(kind)
    RouteMoAError.__init__(error, "what happened", {})
    return error


@pytest.mark.parametrize("reason", ERRORS)
def test_every_reason_says_what_to_do(reason: str) -> None:
    failure = describe(error_of(reason), ADDRESS)
    assert failure.hint
    assert failure.reason == reason
    assert "what happened" in failure.as_text().plain


def test_bad_input_lists_every_violation_and_leaves_with_2() -> None:
    violations = [
        FieldViolation(field="query", description="may not be empty"),
        FieldViolation(field="policy.max_layer_count", description="must be 1 to 5"),
    ]
    failure = describe(InvalidFieldError(violations=violations), ADDRESS)
    assert failure.exit_code == EXIT_BAD_INPUT
    assert failure.as_text().plain.splitlines() == [
        "error: the request is invalid",
        "  query: may not be empty",
        "  policy.max_layer_count: must be 1 to 5",
        "Correct the request.",
    ]


def test_an_unknown_model_leaves_with_2_and_an_internal_error_with_1() -> None:
    unknown = ModelNotFoundError("no such model: x", {"model_ids": "x"})
    assert describe(unknown, ADDRESS).exit_code == EXIT_BAD_INPUT
    internal = describe(InternalError("internal error", {"request_id": "0b5e"}), ADDRESS)
    assert internal.exit_code == EXIT_FAILURE
    assert "request_id: 0b5e" in internal.as_text().plain


def test_what_the_message_says_is_not_repeated() -> None:
    failure = describe(ModelNotFoundError("not in the pool: x", {"model_ids": "x"}), ADDRESS)
    assert "model_ids" not in failure.as_text().plain
    assert failure.as_dict()["error"] == {
        "reason": "ERROR_REASON_MODEL_NOT_FOUND",
        "code": "NOT_FOUND",
        "message": "not in the pool: x",
        "hint": failure.hint,
        "metadata": {"model_ids": "x"},
        "violations": [],
    }


def test_an_overload_says_when_to_try_again() -> None:
    failure = describe(OverloadedError("full", retry_delay_s=2.5), ADDRESS)
    assert failure.hint == "Try again in 2.5 s."


@pytest.mark.parametrize(
    "message",
    [
        "failed to connect to all addresses; last error: UNKNOWN: Connection refused (111)",
        "DNS resolution failed for router:50052",
    ],
)
def test_nobody_there_names_the_address_and_how_to_start(message: str) -> None:
    failure = describe(TransportError(grpc.StatusCode.UNAVAILABLE, message), ADDRESS)
    assert failure.message == f"nothing answers at {ADDRESS}"
    assert "routemoa up" in failure.hint


def test_a_connection_that_breaks_is_not_called_absent() -> None:
    failure = describe(TransportError(grpc.StatusCode.UNAVAILABLE, "Socket closed"), ADDRESS)
    assert failure.message == f"the connection to {ADDRESS} broke: Socket closed"


def test_the_time_allowed_and_a_foreign_server_have_their_own_words() -> None:
    late = describe(TransportError(grpc.StatusCode.DEADLINE_EXCEEDED, ""), ADDRESS)
    foreign = describe(TransportError(grpc.StatusCode.UNIMPLEMENTED, ""), ADDRESS)
    http_text = "last error: INTERNAL: Failed parsing HTTP/2 (Expected SETTINGS frame)"
    http = describe(TransportError(grpc.StatusCode.UNAVAILABLE, http_text), ADDRESS)
    other = describe(TransportError(grpc.StatusCode.DATA_LOSS, "bits fell out"), ADDRESS)
    assert "--timeout" in late.hint
    assert "not the service" in foreign.message
    assert "not the service" in http.message
    assert other.message == f"the call to {ADDRESS} failed: bits fell out"


def test_a_failure_as_json_keeps_everything() -> None:
    violation = FieldViolation(field="query", description="may not be empty")
    failure = describe(InvalidFieldError(violations=[violation]), ADDRESS)
    assert failure.as_dict() == {
        "error": {
            "reason": "ERROR_REASON_INVALID_FIELD",
            "code": "INVALID_ARGUMENT",
            "message": "the request is invalid",
            "hint": "Correct the request.",
            "metadata": {},
            "violations": [{"field": "query", "description": "may not be empty"}],
        }
    }


def test_a_server_cannot_write_escape_codes_through_an_error() -> None:
    error = InternalError("\x1b[31mred", {"request_id": "\x1b]0;title\x07"})
    assert "\x1b" not in describe(error, ADDRESS).as_text().plain


def test_a_stack_error_is_shown_as_it_is() -> None:
    failure = describe(StackError("port 50051 is taken"), "")
    assert failure.as_text().plain == "error: port 50051 is taken"
    assert failure.exit_code == EXIT_FAILURE
