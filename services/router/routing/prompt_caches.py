"""Estimates the tokens of a prompt that backends have in their caches. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheShares:
    """The habits of a backend, learnt from the usage that it reported."""

    read: float = 0.0
    """Share of the tokens that a backend saw before and then read from its cache, in [0, 1]."""
    written: float = 0.0
    """Share of the other tokens that it writes to its cache, in [0, 1]."""


UNKNOWN_SHARES = CacheShares()
"""The habits of a backend that has reported nothing: it has no cache."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CachedPrompts:
    """The tokens of a prompt by what each model's backend does with them; arrays of shape (M,)."""

    read: Integers
    """Tokens that it likely reads from its cache."""
    written: Integers
    """Tokens that it likely writes to its cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptCaches:
    """The backends' caches as far as a conversation is concerned."""

    seen_tokens: Mapping[str, int] = field(default_factory=dict)
    """Tokens of the conversation that each model's backend has seen so recently that it keeps them."""
    shares: Mapping[str, CacheShares] = field(default_factory=dict)

    def next_prompts(self, model_ids: Sequence[str], tokens: int) -> CachedPrompts:
        """Returns the likely treatment of the next prompt, which has so many tokens."""
        seen = np.zeros(len(model_ids), dtype=np.int64)
        if self.seen_tokens:
            seen += [self.seen_tokens.get(model_id, 0) for model_id in model_ids]
        return self._prompts(model_ids, tokens, np.minimum(seen, tokens))

    def later_prompts(self, model_ids: Sequence[str], tokens: int) -> CachedPrompts:
        """Returns the likely treatment of a prompt that the backends have just seen."""
        return self._prompts(model_ids, tokens, np.full(len(model_ids), tokens))

    def _prompts(self, model_ids: Sequence[str], tokens: int, seen: Integers) -> CachedPrompts:
        if not self.shares:
            nothing = np.zeros(len(model_ids), dtype=np.int64)
            return CachedPrompts(read=nothing, written=nothing)
        shares = [self.shares.get(model_id, UNKNOWN_SHARES) for model_id in model_ids]
        read = (np.array([share.read for share in shares]) * seen).astype(np.int64)
        written = np.array([share.written for share in shares]) * (tokens - read)
        return CachedPrompts(read=read, written=written.astype(np.int64))


NO_CACHES = PromptCaches()
"""Nothing is known of any cache."""
