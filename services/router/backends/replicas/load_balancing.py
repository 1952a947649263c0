"""Load balancing: picks a replica for a call. Pure functions of the current state."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from services.router.backends.replicas.replica import Replica

_FULL_SHARE = 1.25
"""Load, as a multiple of the average, at which a replica is full for its sessions."""


def least_loaded(replicas: Sequence[Replica], draw: random.Random) -> Replica:
    """Returns the better of two random replicas: fewer calls in flight, faster first token.

    The power of two choices: picking the best of all would send every router to the same replica.
    """
    if len(replicas) == 1:
        return replicas[0]
    expected_s = [replica.latency.expected_s for replica in replicas]
    known = [seconds for seconds in expected_s if seconds is not None]
    usual_s = sum(known) / len(known) if known else 1.0

    def load(index: int) -> float:
        seconds = expected_s[index]
        return (replicas[index].in_flight + 1) * (usual_s if seconds is None else seconds)

    first, second = draw.sample(range(len(replicas)), 2)
    return replicas[min(first, second, key=load)]


def replica_of_session(replicas: Sequence[Replica], session: str) -> Replica:
    """Returns the replica of a session; the next in the session's order if that one is full.

    Each session orders the replicas by rendezvous hashing, so only the sessions of a replica that
    comes or goes move. A replica is full at 1.25 times the average load.
    """
    in_flight = sum(replica.in_flight for replica in replicas)
    full = math.ceil(_FULL_SHARE * (in_flight + 1) / len(replicas))
    order = sorted(replicas, key=lambda replica: _weight(session, replica.url), reverse=True)
    return next((replica for replica in order if replica.in_flight < full), order[0])


def _weight(session: str, url: str) -> bytes:
    return hashlib.blake2b(f"{session}\0{url}".encode(), digest_size=8).digest()
