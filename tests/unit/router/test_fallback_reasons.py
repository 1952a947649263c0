"""Reasons of fallbacks: every status that a dependency can have is one of the contract's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest

from routemoa.v1 import router_service_pb2 as pb
from services.router.contract.responses import fallback_message
from services.router.dependencies.remote import reason_of
from services.router.routing.events import Dependency, Fallback, FallbackReason, Substitute
from services.router.routing.selection import STOP_REASONS
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Iterable


def names_of(reasons: Iterable[FallbackReason]) -> list[str]:
    return [f"FALLBACK_REASON_{reason.name}" for reason in reasons]


def test_every_reason_is_one_of_the_contract() -> None:
    names = [value.name for value in pb.FallbackReason.DESCRIPTOR.values]
    assert ["FALLBACK_REASON_UNSPECIFIED", *names_of(FallbackReason)] == names


@pytest.mark.parametrize("reason", FallbackReason)
def test_a_reason_has_the_same_name_in_the_contract(reason: FallbackReason) -> None:
    fallback = Fallback(
        dependency=Dependency.JUDGE, reason=reason, substitute=Substitute.PRIOR_SCORES
    )
    name = pb.FallbackReason.Name(fallback_message(fallback).reason)
    assert name == f"FALLBACK_REASON_{reason.name}"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (CallStatus.TIMEOUT, FallbackReason.TIMEOUT),
        (CallStatus.BACKEND_ERROR, FallbackReason.FAILED),
        (CallStatus.UNREACHABLE, FallbackReason.UNAVAILABLE),
        (CallStatus.OK, FallbackReason.EMPTY),
    ],
)
def test_a_failed_call_is_a_reason(status: CallStatus, reason: FallbackReason) -> None:
    assert FallbackReason.of_call(status) is reason


def test_every_status_of_a_call_and_every_limit_is_a_reason() -> None:
    assert all(FallbackReason.of_call(status) for status in CallStatus)
    assert all(FallbackReason[limit.name] for limit in STOP_REASONS.values())


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, FallbackReason.UNAVAILABLE),
        (grpc.StatusCode.DEADLINE_EXCEEDED, FallbackReason.TIMEOUT),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, FallbackReason.RATE_LIMITED),
        (grpc.StatusCode.UNAUTHENTICATED, FallbackReason.REJECTED),
        (grpc.StatusCode.UNIMPLEMENTED, FallbackReason.REJECTED),
        (grpc.StatusCode.INTERNAL, FallbackReason.FAILED),
        (grpc.StatusCode.UNKNOWN, FallbackReason.FAILED),
    ],
)
def test_a_status_of_grpc_is_a_reason(code: grpc.StatusCode, reason: FallbackReason) -> None:
    assert reason_of(code) is reason
