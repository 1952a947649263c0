"""Text -> token ids and n-gram ids, exactly as in training: never padded, long text keeps both ends.

The instruction of a long query tends to stand at its start or at its end, so cutting one side off
loses it; a query longer than the limit keeps the first half and the last half of its tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer

from scorer.runtime.ngrams import MAX_BYTES, ngram_ids

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

NO_IDS: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenizedQuery:
    """A query as the graph reads it."""

    ids: npt.NDArray[np.int64]
    """Token ids, special tokens included; shape (T,). Empty where no encoder reads them."""
    ngrams: npt.NDArray[np.int64]
    """Ids of the hashed n-grams, shape (G,)."""
    truncated: bool
    """Whether something was left out of the middle."""


class QueryTokenizer:
    """Turns text into ids; safe to call from several threads."""

    def __init__(self, path: Path | None, *, max_tokens: int, ngram_buckets: int) -> None:
        """Without a ``path`` there is no encoder to make token ids for."""
        self._tokenizer = _open(path) if path else None
        self._max_tokens = max_tokens
        self._ngram_buckets = ngram_buckets

    def encode(self, text: str) -> TokenizedQuery:
        """Returns the ids of a text, at most ``max_tokens`` of its tokens."""
        ngrams = ngram_ids(text, self._ngram_buckets)
        if self._tokenizer is None:
            cut = len(text.encode("utf-8", errors="replace")) > MAX_BYTES
            return TokenizedQuery(ids=NO_IDS, ngrams=ngrams, truncated=cut)
        ids = np.asarray(self._tokenizer.encode(text).ids, dtype=np.int64)
        truncated = len(ids) > self._max_tokens
        if truncated:
            tail = self._max_tokens // 2
            ids = np.concatenate([ids[: self._max_tokens - tail], ids[-tail:]])
        return TokenizedQuery(ids=ids, ngrams=ngrams, truncated=truncated)


def _open(path: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(path))
    # Files of sentence encoders come with a fixed padding and their own, one-sided truncation.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
