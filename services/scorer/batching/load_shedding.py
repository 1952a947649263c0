"""Load shedding: estimates the wait in the queue, and builds the errors of queries that cannot wait."""

from __future__ import annotations

import math
from functools import lru_cache

from routemoa.errors import OverloadedError

RETRY_DELAY_S = 0.25
_STEP_S = 0.05
_DECAY = 0.9
"""Each new batch multiplies the weight of the earlier ones by this."""


class ServiceTimeEstimate:
    """A moving average of the time per query.

    A batch is weighted by its number of queries. So after single queries, which take longer each,
    one full batch is enough to estimate a burst of queries.
    """

    def __init__(self) -> None:
        self.query_s = 0.0
        """Seconds per query; 0 before the first batch."""
        self._busy_s = 0.0
        self._queries = 0.0

    def record(self, busy_s: float, queries: int) -> None:
        """Records a batch of one or more queries, and the time that it kept the worker busy."""
        self._busy_s = _DECAY * self._busy_s + busy_s
        self._queries = _DECAY * self._queries + queries
        self.query_s = self._busy_s / self._queries


def wait_error(wait_s: float) -> OverloadedError:
    """Returns an error that states the wait."""
    return OverloadedError(
        f"the wait in the queue is {wait_s * 1000:.0f} ms, which is longer than this call can wait",
        {"wait_ms": f"{wait_s * 1000:.0f}"},
        retry_delay_s=max(wait_s, RETRY_DELAY_S),
    )


def rounded_wait_error(wait_s: float) -> OverloadedError:
    """Returns an error that states the wait rounded up: the same object for similar waits."""
    return _cached_error(math.ceil(wait_s / _STEP_S))


@lru_cache(maxsize=64)
def _cached_error(steps: int) -> OverloadedError:
    return wait_error(steps * _STEP_S)
