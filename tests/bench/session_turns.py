"""The share of a conversation's turns that reach the replica of the turn before, simulated.

The choice of replicas is the router's own code; only the calls are simulated.
"""

from __future__ import annotations

import heapq
import random

from services.router.backends.replicas.config import ReplicaSettings
from services.router.backends.replicas.replica_set import ReplicaSet

_CHATS_PER_CALL = 8
"""Conversations per call in flight; most of them are waiting for their user."""


def share_on_own_replica(
    *, replica_count: int, in_flight: int, calls: int = 4_000, seed: int = 1
) -> float:
    """Returns the share of the turns after a first one that reach the replica of the turn before.

    Args:
        replica_count: Replicas of the model.
        in_flight: Calls of one router to the model at any time; each lasts from 0.5 to 1.5 units.
        calls: Calls that are simulated.
        seed: Seed of the draws.
    """
    draw = random.Random(seed)
    replicas = ReplicaSet("m", ReplicaSettings(), draw=random.Random(seed))
    replicas.update([f"http://10.0.0.{number}:8000/v1" for number in range(replica_count)])
    ends: list[tuple[float, int]] = []
    last: dict[int, int] = {}  # the replica of each chat's newest turn
    now, turns, kept = 0.0, 0, 0
    for _ in range(calls):
        if len(ends) >= in_flight:
            now, index = heapq.heappop(ends)
            replicas.replicas[index].in_flight -= 1
        chat = draw.randrange(_CHATS_PER_CALL * in_flight)
        replica = replicas.choose(session=f"chat {chat}", tried=())
        assert replica is not None
        if chat in last:
            turns += 1
            kept += replica.index == last[chat]
        last[chat] = replica.index
        replica.in_flight += 1
        heapq.heappush(ends, (now + draw.uniform(0.5, 1.5), replica.index))
    return kept / turns
