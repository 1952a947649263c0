"""Texts -> unit-length embeddings by a frozen encoder. Needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from scorer.batches import length_buckets, pad
from scorer.model import mean_embedding
from scorer.progress import track

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import nn

    from scorer.tokenizer import TokenizedQuery

BATCH_SIZE = 32


def embed_all(
    encoder: nn.Module, queries: Sequence[TokenizedQuery], description: str
) -> npt.NDArray[np.float32]:
    """Returns the embedding of every query, (N, D), in the order given."""
    embeddings = np.empty((len(queries), encoder.config.hidden_size), dtype=np.float32)
    with torch.inference_mode():
        for rows in track(length_buckets(queries, BATCH_SIZE), description):
            ids, mask = pad([queries[row] for row in rows])
            embeddings[rows] = mean_embedding(
                encoder, torch.from_numpy(ids), torch.from_numpy(mask)
            ).numpy()
    return embeddings
