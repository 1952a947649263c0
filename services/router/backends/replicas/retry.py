"""Retries: the failures that another replica may mend, and the back-off before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Callable

REPLICA_FAILURES = frozenset(
    {CallStatus.UNREACHABLE, CallStatus.BACKEND_ERROR, CallStatus.INTERRUPTED}
)
"""Statuses that count as failures of the replica."""
RETRIED = REPLICA_FAILURES | {CallStatus.RATE_LIMITED}
"""Statuses that are retried while nothing was written."""
RESUMED = frozenset({CallStatus.INTERRUPTED, CallStatus.BACKEND_ERROR})
"""Statuses that are resumed on another replica after text was written."""
RETRY_MAX_WAIT_S = 2.0
"""Longest wait before a retry; after a longer `Retry-After` there is none."""
_BASE_S = 0.025
_MAX_EXPONENT = 6


def backoff_s(retry_number: int, draw: Callable[[], float]) -> float:
    """Returns the wait before a retry: exponential back-off with full jitter.

    Args:
        retry_number: From 1.
        draw: Returns a random number in [0, 1).
    """
    return draw() * _BASE_S * 2.0 ** min(retry_number - 1, _MAX_EXPONENT)
