"""Failures that another replica may mend, and the wait before a retry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.replicas.retry import REPLICA_FAILURES, RESUMED, RETRIED, backoff_s
from services.router.types.ledger import CallStatus

NUMBERS = st.integers(1, 100)


def longest(retry_number: int) -> float:
    return backoff_s(retry_number, lambda: 1.0)


def test_the_bound_of_the_wait_starts_at_25_ms_and_doubles_with_each_retry() -> None:
    assert [longest(number) for number in (1, 2, 3, 4)] == pytest.approx([0.025, 0.05, 0.1, 0.2])


@given(NUMBERS)
def test_no_retry_waits_longer_than_one_and_a_half_seconds(number: int) -> None:
    assert 1.5 < longest(7) <= 1.6
    assert longest(min(number, 7)) <= longest(number) <= longest(7)


@given(NUMBERS, st.floats(0, 1, exclude_max=True))
def test_a_wait_is_drawn_evenly_between_nothing_and_the_bound(number: int, share: float) -> None:
    assert backoff_s(number, lambda: share) == pytest.approx(share * longest(number))


def test_what_a_client_did_wrong_is_not_sent_to_another_replica() -> None:
    assert not RETRIED & {CallStatus.REJECTED, CallStatus.CANCELLED, CallStatus.OK}


def test_a_rate_limit_is_worth_another_replica_and_counts_against_none() -> None:
    assert CallStatus.RATE_LIMITED in RETRIED - REPLICA_FAILURES


def test_a_reply_that_broke_off_is_resumed_and_one_that_never_began_is_not() -> None:
    assert CallStatus.INTERRUPTED in RESUMED
    assert CallStatus.UNREACHABLE not in RESUMED
