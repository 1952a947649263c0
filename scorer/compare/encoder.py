"""The frozen sentence encoder that every method without one of its own reads queries with.

Needs torch.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scorer.embedding import embed_all
from scorer.model import load_encoder, save_tokenizer
from scorer.tokenizer import QueryTokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt


class FrozenEncoder:
    """A pretrained encoder: mean over the hidden states of the real tokens, unit length."""

    def __init__(self, source: str, *, max_tokens: int, layers: int | None = None) -> None:
        """Uses all layers, or the first ``layers``."""
        self.name = f"{source} mean {max_tokens}" + (f" layers {layers}" if layers else "")
        self._encoder = load_encoder(source, layers=layers)
        with tempfile.TemporaryDirectory() as directory:
            path = save_tokenizer(source, Path(directory))
            # N-grams are read elsewhere; two buckets are the fewest.
            self._tokenizer = QueryTokenizer(path, max_tokens=max_tokens, ngram_buckets=2)

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Returns the unit-length embeddings of the texts, (N, D)."""
        queries = [self._tokenizer.encode(text) for text in texts]
        return embed_all(self._encoder, queries, f"Embedding {len(texts)} texts")
