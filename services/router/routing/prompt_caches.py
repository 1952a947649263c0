"""Estimates the tokens of a prompt that backends have in their caches. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    def next_prompts(self, places: Mapping[str, int], tokens: int) -> CachedPrompts:
        """Returns the likely treatment of the next prompt, which has so many tokens.

        Args:
            places: The index of each model by its id: 0, 1, ... M-1.
            tokens: The tokens of the prompt.
        """
        seen = np.zeros(len(places), dtype=np.int64)
        for model_id in self.seen_tokens.keys() & places.keys():
            seen[places[model_id]] = min(self.seen_tokens[model_id], tokens)
        return self._prompts(places, tokens, seen)

    def later_prompts(self, places: Mapping[str, int], tokens: int) -> CachedPrompts:
        """Returns the likely treatment of a prompt that the backends have just seen."""
        return self._prompts(places, tokens, np.full(len(places), tokens))

    def _prompts(self, places: Mapping[str, int], tokens: int, seen: Integers) -> CachedPrompts:
        read, written = np.zeros((2, len(places)), dtype=np.int64)
        for model_id, share in self.shares.items():
            place = places.get(model_id)
            if place is not None:
                read[place] = int(share.read * int(seen[place]))
                written[place] = int(share.written * (tokens - int(read[place])))
        return CachedPrompts(read=read, written=written)


NO_CACHES = PromptCaches()
"""Nothing is known of any cache."""
