"""Which replica a call goes to, and what becomes of those that fail."""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.replicas.config import (
    IN_SERVICE,
    EjectionSettings,
    ReplicaSettings,
    ReplicaTuning,
)
from services.router.backends.replicas.replica_set import ReplicaSet
from services.router.types.ledger import CallStatus
from tests.unit.router.replicas.clock import Clock

if TYPE_CHECKING:
    from services.router.backends.replicas.replica import Replica

URLS = [f"http://replica-{number}/v1" for number in range(4)]


def replica_set(*urls: str, tuning: ReplicaTuning = IN_SERVICE) -> tuple[ReplicaSet, Clock]:
    clock = Clock()
    replicas = ReplicaSet("m", ReplicaSettings(), tuning, clock=clock, draw=random.Random(7))
    replicas.update(urls or URLS)
    return replicas, clock


def chosen(replicas: ReplicaSet, session: str | None = None) -> str:
    replica = replicas.choose(session=session, tried=())
    assert replica is not None
    return replica.url


def test_calls_spread_and_the_slow_and_the_busy_get_fewer() -> None:
    replicas, _ = replica_set()
    for replica, seconds in zip(replicas.replicas, (1.0, 0.1, 0.1, 0.1), strict=True):
        replicas.record_first_text(replica, seconds)
    replicas.replicas[1].in_flight = 50
    counts = Counter(chosen(replicas) for _ in range(1000))
    assert min(counts[URLS[2]], counts[URLS[3]]) > 2 * max(counts[URLS[0]], counts[URLS[1]])


def test_nothing_is_asked_twice_and_none_left_is_none() -> None:
    replicas, _ = replica_set()
    tried: set[Replica] = set()
    for _ in URLS:
        replica = replicas.choose(session=None, tried=tried)
        assert replica is not None
        assert replica not in tried
        tried.add(replica)
    assert replicas.choose(session=None, tried=tried) is None
    assert not replicas.has_others(tried)


def test_only_failures_of_the_replica_eject_it() -> None:
    replicas, _ = replica_set()
    first, second = replicas.replicas[:2]
    for status in (CallStatus.REJECTED, CallStatus.RATE_LIMITED, CallStatus.MALFORMED, None):
        for _ in range(10):
            replicas.report(first, status)
    assert first.ejection.serves
    for _ in range(3):
        replicas.report(second, CallStatus.UNREACHABLE)
    assert not second.ejection.serves
    assert second.url not in {chosen(replicas) for _ in range(100)}


@given(count=st.integers(1, 12), share=st.floats(0, 1), seed=st.integers())
def test_no_more_than_the_share_is_ejected(count: int, share: float, seed: int) -> None:
    tuning = ReplicaTuning(ejection=EjectionSettings(max_share=share))
    replicas, _ = replica_set(*(f"http://r{number}/v1" for number in range(count)), tuning=tuning)
    order = list(replicas.replicas) * 5
    random.Random(seed).shuffle(order)
    for replica in order:
        replicas.report(replica, CallStatus.BACKEND_ERROR)
    ejected = sum(not replica.ejection.serves for replica in replicas.replicas)
    assert ejected == int(share * count)


def test_a_trial_is_one_call_and_none_that_was_broken_before() -> None:
    replicas, clock = replica_set(*URLS[:2])
    bad = replicas.replicas[0]
    for _ in range(3):
        replicas.report(bad, CallStatus.UNREACHABLE)
    clock.now_s += 5
    resumed = replicas.choose(session=None, tried=(), trials=False)
    assert resumed is replicas.replicas[1]
    assert chosen(replicas) == bad.url
    assert {chosen(replicas) for _ in range(20)} == {URLS[1]}
    replicas.record_first_text(bad, 0.1)
    assert bad.ejection.serves


def test_a_replica_that_asks_for_rest_gets_it_unless_all_do() -> None:
    replicas, clock = replica_set(*URLS[:2])
    replicas.replicas[0].rest(10)
    assert {chosen(replicas) for _ in range(20)} == {URLS[1]}
    replicas.replicas[1].rest(10)
    assert {chosen(replicas) for _ in range(50)} == set(URLS[:2])
    clock.now_s += 11
    assert all(replica.available for replica in replicas.replicas)


@given(sessions=st.lists(st.text(min_size=1), min_size=1, max_size=50, unique=True))
def test_a_chat_keeps_its_replica_when_another_one_leaves(sessions: list[str]) -> None:
    replicas, _ = replica_set()
    before = {session: chosen(replicas, session) for session in sessions}
    assert before == {session: chosen(replicas, session) for session in sessions}
    replicas.update(URLS[:3])
    for session, url in before.items():
        if url != URLS[3]:
            assert chosen(replicas, session) == url


@given(calls=st.integers(1, 300))
def test_a_hot_chat_spills_over(calls: int) -> None:
    replicas, _ = replica_set()
    for _ in range(calls):
        replica = replicas.choose(session="the same", tried=())
        assert replica is not None
        replica.in_flight += 1
    most = max(replica.in_flight for replica in replicas.replicas)
    average = calls / len(URLS)
    assert most <= average + 2 * math.sqrt(average) + 3


def test_replicas_that_stay_keep_what_is_known_of_them_and_their_places() -> None:
    replicas, _ = replica_set()
    kept = replicas.replicas[1]
    kept.in_flight = 3
    replicas.update([URLS[1], "http://new/v1"])
    assert replicas.replicas[0] is kept
    assert [replica.index for replica in replicas.replicas] == [1, 0]
    replicas.update([])
    assert replicas.choose(session=None, tried=()) is None


def test_hedges_wait_for_what_95_percent_need() -> None:
    replicas, _ = replica_set(tuning=ReplicaTuning(hedge_min_delay_s=0.2))
    delays = [replicas.hedge_delay_s]
    for number in range(100):
        replicas.record_first_text(replicas.replicas[0], float(number))
    delays.append(replicas.hedge_delay_s)
    for _ in range(200):
        replicas.record_first_text(replicas.replicas[0], 0.01)
    assert [*delays, replicas.hedge_delay_s] == [None, 95, 0.2]
    alone, _ = replica_set(URLS[0])
    for _ in range(100):
        alone.record_first_text(alone.replicas[0], 0.01)
    assert alone.hedge_delay_s is None


def test_a_wait_that_was_given_up_counts_only_where_it_was_long() -> None:
    replicas, _ = replica_set()
    replica = replicas.replicas[0]
    for _ in range(30):
        replicas.record_first_text(replica, 1.0)
    for _ in range(30):
        replicas.record_silence(replica, 0.01)
    assert replicas.hedge_delay_s == 1.0
    for _ in range(30):
        replicas.record_silence(replica, 9.0)
    assert replicas.hedge_delay_s == 9.0
