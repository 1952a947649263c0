"""Which failures are worth another replica, and how long to wait before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Callable

REPLICA_FAILURES = frozenset(
    {CallStatus.UNREACHABLE, CallStatus.BACKEND_ERROR, CallStatus.INTERRUPTED}
)
"""What counts against a replica. A rate limit or a request that is wrong does not."""
RETRIED = REPLICA_FAILURES | {CallStatus.RATE_LIMITED}
"""What another replica may do better, as long as nothing was written."""
RESUMED = frozenset({CallStatus.INTERRUPTED, CallStatus.BACKEND_ERROR})
"""What another replica may do better after some of the reply was written."""
_BASE_S = 0.025
_MAX_EXPONENT = 6


def backoff_s(retry_number: int, draw: Callable[[], float]) -> float:
    """Returns how long to wait before a retry: somewhere between nothing and a doubling bound.

    Args:
        retry_number: From 1.
        draw: Gives a number in [0, 1).
    """
    return draw() * _BASE_S * 2.0 ** min(retry_number - 1, _MAX_EXPONENT)
