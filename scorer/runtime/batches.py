"""Tokenized queries -> batches of like length -> padded arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scorer.runtime import ngrams

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.runtime.tokenizer import TokenizedQuery

    Ids = npt.NDArray[np.int64]

PADDING_ID = 0
"""What short queries are filled up with. The mask hides it, so any valid id would do."""


def pad(queries: Sequence[TokenizedQuery]) -> tuple[Ids, Ids]:
    """Returns token ids and mask of a batch, each (B, T), T being the longest query of the batch."""
    ids = _rows([query.ids for query in queries], PADDING_ID)
    mask = _rows([np.ones_like(query.ids) for query in queries], 0)
    return ids, mask


def pad_ngrams(queries: Sequence[TokenizedQuery]) -> Ids:
    """Returns the n-gram ids of a batch, (B, G), G being the most that a query of the batch has."""
    return _rows([query.ngrams for query in queries], ngrams.PADDING_ID)


def length_buckets(queries: Sequence[TokenizedQuery], batch_size: int) -> list[list[int]]:
    """Returns the positions of the queries in batches of like length, so that padding is rare."""
    lengths = [(len(query.ids), len(query.ngrams)) for query in queries]
    order = sorted(range(len(queries)), key=lengths.__getitem__)
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def _rows(values: Sequence[Ids], padding: int) -> Ids:
    # A query of white space has no n-gram, and no graph takes a dimension of zero.
    longest = max(1, *(len(each) for each in values))
    rows = np.full((len(values), longest), padding, dtype=np.int64)
    for row, each in enumerate(values):
        rows[row, : len(each)] = each
    return rows
