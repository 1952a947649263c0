"""The choice between two replicas, and chats that leave their own replica."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from services.router.backends.replicas.config import ReplicaSettings
from services.router.backends.replicas.replica_set import (
    ReplicaSet,
    least_loaded,
    replica_of_session,
)
from tests.unit.router.replicas.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.backends.replicas.replica import Replica


def replicas(*in_flight: int, first_text_s: Sequence[float | None] = ()) -> list[Replica]:
    """Returns a replica per number of calls in flight, with its usual time to first text."""
    found = ReplicaSet("m", ReplicaSettings(), clock=Clock(), draw=random.Random(7))
    found.update([f"http://replica-{number}/v1" for number in range(len(in_flight))])
    for replica, calls in zip(found.replicas, in_flight, strict=True):
        replica.in_flight = calls
    for replica, seconds in zip(found.replicas, first_text_s, strict=False):
        if seconds is not None:
            replica.latency.observe(seconds)
    return list(found.replicas)


def asked(found: list[Replica]) -> Counter[int]:
    """Returns how often each replica is asked in many draws."""
    return Counter(found.index(least_loaded(found, random.Random(seed))) for seed in range(100))


def test_the_only_replica_is_asked_however_busy_it_is() -> None:
    (alone,) = replicas(99)
    assert least_loaded([alone], random.Random(1)) is alone
    assert replica_of_session([alone], "chat") is alone


def test_of_two_replicas_the_one_with_fewer_calls_in_flight_is_asked() -> None:
    assert asked(replicas(3, 2)).keys() == {1}
    assert asked(replicas(0, 1)).keys() == {0}


@pytest.mark.parametrize(
    ("in_flight", "first_text_s", "better"),
    [
        ((0, 1), (1.0, 0.1), 1),  # idle but ten times slower
        ((0, 2), (1.0, 0.4), 0),  # 1 * 1.0 s against 3 * 0.4 s
        ((1, 1), (0.5, 0.2), 1),
        ((0, 0), (0.5, 0.2), 1),
    ],
)
def test_calls_in_flight_and_this_one_count_by_how_long_the_replica_takes(
    in_flight: tuple[int, int], first_text_s: tuple[float, float], better: int
) -> None:
    assert asked(replicas(*in_flight, first_text_s=first_text_s)).keys() == {better}


def test_a_replica_of_unknown_latency_counts_as_the_average_of_the_others() -> None:
    unknown_first = replicas(0, 0, 0, first_text_s=(None, 2.0, 4.0))
    counts = asked(unknown_first)
    assert counts.keys() == {0, 1}  # 3 s is better than 4 s and worse than 2 s
    assert counts[1] > counts[0] > 0


def own_and_next(session: str, count: int) -> tuple[int, int]:
    """Returns the first two replicas of a chat's order."""
    idle = replicas(*[0] * count)
    own = idle.index(replica_of_session(idle, session))
    rest = [replica for replica in idle if replica is not idle[own]]
    return own, idle.index(replica_of_session(rest, session))


@pytest.mark.parametrize("session", ["a", "b", "c", "d"])
def test_a_chat_goes_to_the_next_replica_of_its_order_when_its_own_is_full(session: str) -> None:
    own, following = own_and_next(session, 4)
    busy = replicas(*(9 if number == own else 0 for number in range(4)))
    assert busy.index(replica_of_session(busy, session)) == following


def test_chats_spread_over_the_replicas() -> None:
    idle = replicas(0, 0, 0, 0)
    counts = Counter(
        idle.index(replica_of_session(idle, f"chat {number}")) for number in range(200)
    )
    assert min(counts[number] for number in range(4)) > 20


@pytest.mark.parametrize(
    ("own_calls", "others", "stays"),
    [(5, (0, 0, 0), True), (7, (0, 0, 0), False), (10, (2, 2, 2), True), (12, (2, 2, 2), False)],
)
def test_a_replica_is_full_only_with_more_calls_than_chance_brings(
    own_calls: int, others: tuple[int, ...], stays: bool
) -> None:
    own, _ = own_and_next("chat", 4)
    calls = list(others)
    calls.insert(own, own_calls)
    busy = replicas(*calls)
    assert (busy.index(replica_of_session(busy, "chat")) == own) is stays
