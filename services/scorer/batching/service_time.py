"""Estimates the time that a query keeps the worker busy."""

from __future__ import annotations

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
