"""Tokenized queries -> batches of like length -> padded arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.tokenizer import TokenizedQuery

PADDING_ID = 0
"""What short queries are filled up with. The mask hides it, so any valid id would do."""


def pad(
    queries: Sequence[TokenizedQuery],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Returns ids and mask of a batch, each (B, T), T being the longest query of the batch."""
    longest = max(len(query.ids) for query in queries)
    ids = np.full((len(queries), longest), PADDING_ID, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, query in enumerate(queries):
        ids[row, : len(query.ids)] = query.ids
        mask[row, : len(query.ids)] = 1
    return ids, mask


def length_buckets(queries: Sequence[TokenizedQuery], batch_size: int) -> list[list[int]]:
    """Returns the positions of the queries in batches of like length, so that padding is rare."""
    order = sorted(range(len(queries)), key=lambda row: len(queries[row].ids))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
