"""Text -> token ids, exactly as in training: never padded, long text keeps both its ends.

The instruction of a long query tends to stand at its start or at its end, so cutting one side off
loses it; a query longer than the limit keeps the first half and the last half of its tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenizedQuery:
    """A query as the encoder reads it."""

    ids: npt.NDArray[np.int64]
    """Token ids, special tokens included; shape (T,)."""
    truncated: bool
    """Whether tokens were left out of the middle."""


class QueryTokenizer:
    """Turns text into token ids; safe to call from several threads."""

    def __init__(self, path: Path, *, max_tokens: int) -> None:
        self._tokenizer = Tokenizer.from_file(str(path))
        # Files of sentence encoders come with a fixed padding and their own, one-sided truncation.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._max_tokens = max_tokens

    def encode(self, text: str) -> TokenizedQuery:
        """Returns the ids of a text, at most ``max_tokens`` of them."""
        ids = np.asarray(self._tokenizer.encode(text).ids, dtype=np.int64)
        truncated = len(ids) > self._max_tokens
        if truncated:
            tail = self._max_tokens // 2
            ids = np.concatenate([ids[: self._max_tokens - tail], ids[-tail:]])
        return TokenizedQuery(ids=ids, truncated=truncated)
