"""Which of the waiting queries run together: numbers of tokens -> places of the next batch.

A batch is padded to its longest query, so it costs longest x count tokens. The oldest query always
goes, so none waits forever; those nearest to it in length go with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORT_TOKENS = 16
"""Queries below this length count as having it: their padding costs less than a batch of its own."""


def select_batch(
    lengths: Sequence[int], *, max_tokens: int, max_length_ratio: float, max_requests: int
) -> list[int]:
    """Returns the places, the oldest first, of the queries to run next.

    Args:
        lengths: Tokens of each waiting query, oldest first; at least one.
        max_tokens: Most tokens of a batch, padding included. The oldest query alone may exceed it.
        max_length_ratio: The longest query of a batch may have so many times the tokens of the
            shortest. On a CPU, padding soon costs more than a batch of its own.
        max_requests: Most queries of a batch.
    """
    oldest = lengths[0]
    # A stable sort: among queries equally near, the older one goes first.
    nearest = sorted(range(1, len(lengths)), key=lambda place: abs(lengths[place] - oldest))
    chosen = [0]
    shortest = longest = oldest
    for place in nearest:
        if len(chosen) == max_requests:
            break
        low, high = min(shortest, lengths[place]), max(longest, lengths[place])
        fits = high * (len(chosen) + 1) <= max_tokens
        if fits and high <= max_length_ratio * max(low, SHORT_TOKENS):
            chosen.append(place)
            shortest, longest = low, high
    return chosen
