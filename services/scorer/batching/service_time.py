"""How long a query keeps the worker busy, of late."""

from __future__ import annotations

_KEPT = 0.9
"""How much of what earlier batches say is kept with each new one."""


class Pace:
    """The ratio of the time of recent batches to their queries.

    A batch counts by its queries: right after lone ones, which take longer each, a single full batch
    says what a burst of queries will take.
    """

    def __init__(self) -> None:
        self.query_s = 0.0
        """Seconds per query; 0 before the first batch."""
        self._busy_s = 0.0
        self._queries = 0.0

    def note(self, busy_s: float, queries: int) -> None:
        """Notes a batch of at least one query, and how long it had the worker busy."""
        self._busy_s = _KEPT * self._busy_s + busy_s
        self._queries = _KEPT * self._queries + queries
        self.query_s = self._busy_s / self._queries
