"""Selects the queries of the next batch by their numbers of tokens.

A batch is padded to its longest query, so it costs longest x count tokens. The oldest query is
always selected, so that none waits forever, along with those nearest to it in length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORT_TOKENS = 16
"""Shorter queries count as this long: their padding costs less than another batch."""


def select_batch(
    lengths: Sequence[int], *, max_tokens: int, max_length_ratio: float, max_requests: int
) -> list[int]:
    """Returns the indices of the selected queries; the first one is 0, the oldest.

    Args:
        lengths: The number of tokens of each query in the queue, oldest first; one or more.
        max_tokens: Most tokens of a batch, padding included. The oldest query alone may exceed it.
        max_length_ratio: Largest ratio of the longest query of a batch to the shortest. On a CPU,
            more padding soon costs more than another batch.
        max_requests: Most queries of a batch.
    """
    oldest = lengths[0]
    # A stable sort: of two queries that are equally near, the older one is first.
    nearest = sorted(range(1, len(lengths)), key=lambda index: abs(lengths[index] - oldest))
    chosen = [0]
    shortest = longest = oldest
    for index in nearest:
        if len(chosen) == max_requests:
            break
        low, high = min(shortest, lengths[index]), max(longest, lengths[index])
        fits = high * (len(chosen) + 1) <= max_tokens
        if fits and high <= max_length_ratio * max(low, SHORT_TOKENS):
            chosen.append(index)
            shortest, longest = low, high
    return chosen
