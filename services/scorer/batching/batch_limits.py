"""The limits of batches and of their queue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """Limits on the size of a batch, and on the queue."""

    max_tokens: int
    """Padding included."""
    max_length_ratio: float
    """Largest ratio of the tokens of the longest query to those of the shortest."""
    max_requests: int
    max_queue_requests: int
    max_wait_s: float
    """Longest expected wait of a query until its batch starts."""
