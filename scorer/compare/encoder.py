"""The frozen sentence encoder that every method without one of its own reads queries with.

Needs torch.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from scorer.batches import length_buckets, pad
from scorer.model import new_scorer, save_tokenizer
from scorer.tokenizer import QueryTokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

BATCH_SIZE = 32


class FrozenEncoder:
    """A pretrained encoder: mean over the hidden states of the real tokens, unit length."""

    def __init__(self, source: str, *, max_tokens: int) -> None:
        self.name = f"{source} mean {max_tokens}"
        self._scorer = new_scorer(source, ["unused"]).eval()
        with tempfile.TemporaryDirectory() as directory:
            path = save_tokenizer(source, Path(directory))
            self._tokenizer = QueryTokenizer(path, max_tokens=max_tokens)

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Returns the unit-length embeddings of the texts, (N, D)."""
        queries = [self._tokenizer.encode(text) for text in texts]
        width = self._scorer.encoder.config.hidden_size
        embeddings = np.empty((len(texts), width), dtype=np.float32)
        with torch.inference_mode():
            for rows in length_buckets(queries, BATCH_SIZE):
                ids, mask = pad([queries[row] for row in rows])
                embeddings[rows] = self._scorer.embed(torch.from_numpy(ids), torch.from_numpy(mask))
        return embeddings
