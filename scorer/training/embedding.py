"""Embeds texts with a frozen encoder, to unit length. Needs torch."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from scorer.runtime.batches import length_buckets, pad
from scorer.runtime.tokenizer import QueryTokenizer
from scorer.training.model import load_encoder, mean_embedding, save_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import nn

    from scorer.runtime.tokenizer import TokenizedQuery
    from scorer.training.recipe import Recipe

BATCH_SIZE = 32


class FrozenEncoder:
    """A pretrained encoder; an embedding is the unit-length mean of the real tokens' hidden states."""

    def __init__(self, source: str, *, max_tokens: int, layers: int | None = None) -> None:
        """Loads the encoder: all its layers, or the first ``layers``."""
        self.encoder = load_encoder(source, layers=layers)
        self.name = f"{source} mean {max_tokens}" + (f" layers {layers}" if layers else "")
        if Path(source).is_dir():
            # A package or a hub name stands for fixed weights; those of a directory may change.
            self.name += f" {_fingerprint(self.encoder)}"
        with tempfile.TemporaryDirectory() as directory:
            path = save_tokenizer(source, Path(directory))
            # N-grams are not needed here; two buckets are the fewest.
            self._tokenizer = QueryTokenizer(path, max_tokens=max_tokens, ngram_buckets=2)

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Returns the unit-length embeddings of the texts, (N, D)."""
        return embed_all(self.encoder, [self._tokenizer.encode(text) for text in texts])


def recipe_encoder(recipe: Recipe) -> FrozenEncoder | None:
    """Returns the encoder of a recipe, if it has one."""
    used = recipe.encoder
    if used is None:
        return None
    return FrozenEncoder(used.source, max_tokens=recipe.max_tokens, layers=used.layers)


def embed_all(encoder: nn.Module, queries: Sequence[TokenizedQuery]) -> npt.NDArray[np.float32]:
    """Returns the embedding of every query, (N, D), in the order given."""
    embeddings = np.empty((len(queries), encoder.config.hidden_size), dtype=np.float32)
    with torch.inference_mode():
        for rows in length_buckets(queries, BATCH_SIZE):
            ids, mask = pad([queries[row] for row in rows])
            embeddings[rows] = mean_embedding(
                encoder, torch.from_numpy(ids), torch.from_numpy(mask)
            ).numpy()
    return embeddings


def _fingerprint(encoder: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, weight in sorted(encoder.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.numpy().tobytes())
    return digest.hexdigest()[:16]
