"""The error table and the contract say the same."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from routemoa.errors import (
    DOMAIN,
    ERRORS,
    FieldViolation,
    InvalidFieldError,
    OverloadedError,
    RouteMoAError,
)
from routemoa.rpc_status import to_status
from routemoa.v1.error_reason_pb2 import ErrorReason

PROTO = Path(__file__).parents[2] / "proto" / "routemoa" / "v1" / "error_reason.proto"
KINDS = pytest.mark.parametrize("kind", ERRORS.values(), ids=lambda kind: kind.__name__)


def documented_codes() -> dict[str, str]:
    """Reads the code that each reason's comment in the contract names."""
    codes = {}
    comment = ""
    for line in PROTO.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text.startswith("//"):
            comment += text.removeprefix("//")
        elif value := re.match(r"(ERROR_REASON_\w+) = \d+;", text):
            code = re.search(r"Code\s+([A-Z_]+)", comment)
            codes[value[1]] = code[1] if code else ""
            comment = ""
        else:
            comment = ""
    return codes


def reason_and_details(
    error: RouteMoAError,
) -> tuple[error_details_pb2.ErrorInfo, status_pb2.Status]:
    status = to_status(error)
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info, status


def test_every_reason_of_the_contract_has_a_class_and_every_class_a_reason() -> None:
    assert set(ERRORS) == set(ErrorReason.keys()) - {"ERROR_REASON_UNSPECIFIED"}


def test_every_reason_documents_the_code_that_is_sent() -> None:
    codes = documented_codes()
    assert {reason: codes[reason] for reason in ERRORS} == {
        reason: kind.code.name for reason, kind in ERRORS.items()
    }


@KINDS
def test_only_unavailable_errors_may_be_retried(kind: type[RouteMoAError]) -> None:
    assert not kind.retryable or kind.code is grpc.StatusCode.UNAVAILABLE


@KINDS
def test_every_error_travels_with_its_reason_and_domain(kind: type[RouteMoAError]) -> None:
    info, status = reason_and_details(kind("what happened"))
    assert (info.reason, info.domain) == (kind.reason, DOMAIN)
    assert status.code == kind.code.value[0]
    assert status.message == "what happened"


def test_violations_and_the_retry_delay_travel_as_standard_details() -> None:
    violation = FieldViolation(field="query", description="must not be empty")
    _, status = reason_and_details(InvalidFieldError(violations=[violation]))
    bad_request = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad_request)
    assert bad_request.field_violations[0].field == "query"
    assert "query: must not be empty" in status.message

    _, status = reason_and_details(OverloadedError("full", {"limit": "1"}, retry_delay_s=0.25))
    retry = error_details_pb2.RetryInfo()
    assert status.details[1].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 250
