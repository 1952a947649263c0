"""Which replica is asked. Pure functions of the replicas as they are now."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from services.router.backends.replicas.replica import Replica

_FULL_SHARE = 1.25
"""How far above the average load a chat's own replica may be before the chat goes to the next."""


def least_loaded(replicas: Sequence[Replica], draw: random.Random) -> Replica:
    """Returns the better of two replicas drawn at random: fewer calls in flight, sooner to begin.

    Two are enough: the best of all would draw every router to the same replica at once.
    """
    if len(replicas) == 1:
        return replicas[0]
    expected_s = [replica.latency.expected_s for replica in replicas]
    known = [seconds for seconds in expected_s if seconds is not None]
    usual_s = sum(known) / len(known) if known else 1.0

    def load(number: int) -> float:
        seconds = expected_s[number]
        return (replicas[number].in_flight + 1) * (usual_s if seconds is None else seconds)

    first, second = draw.sample(range(len(replicas)), 2)
    return replicas[min(first, second, key=load)]


def of_session(replicas: Sequence[Replica], session: str) -> Replica:
    """Returns the replica that has read a chat before, or the next one in its order if that is full.

    Every chat has an order of the replicas of its own (rendezvous hashing): when replicas come and go,
    only the chats of those move. A replica is full at 1.25 times the average load.
    """
    in_flight = sum(replica.in_flight for replica in replicas)
    full = math.ceil(_FULL_SHARE * (in_flight + 1) / len(replicas))
    order = sorted(replicas, key=lambda replica: _weight(session, replica.url), reverse=True)
    return next((replica for replica in order if replica.in_flight < full), order[0])


def _weight(session: str, url: str) -> bytes:
    return hashlib.blake2b(f"{session}\0{url}".encode(), digest_size=8).digest()
