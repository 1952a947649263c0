"""Estimates the tokens of a prompt that backends have in their caches. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheShares:
    """The habits of a backend, learnt from the usage that it reported."""

    read: float = 0.0
    """Share of the tokens that a backend saw before and then read from its cache, in [0, 1]."""
    written: float = 0.0
    """Share of the other tokens that it writes to its cache, in [0, 1]."""


UNKNOWN_SHARES = CacheShares()
"""The habits of a backend that has reported nothing: it has no cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedPrompt:
    """The tokens of a prompt by what a backend does with them."""

    read: int
    """Tokens that it likely reads from its cache."""
    written: int
    """Tokens that it likely writes to its cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptCaches:
    """The backends' caches as far as a conversation is concerned."""

    seen_tokens: Mapping[str, int] = field(default_factory=dict)
    """Tokens of the conversation that each model's backend has seen so recently that it keeps them."""
    shares: Mapping[str, CacheShares] = field(default_factory=dict)

    def next_prompt(self, model_id: str, tokens: int) -> CachedPrompt:
        """Returns the likely treatment of the next prompt, which has so many tokens."""
        return self._prompt(model_id, tokens, self.seen_tokens.get(model_id, 0))

    def later_prompt(self, model_id: str, tokens: int) -> CachedPrompt:
        """Returns the likely treatment of a prompt that the backend has just seen."""
        return self._prompt(model_id, tokens, tokens)

    def _prompt(self, model_id: str, tokens: int, seen: int) -> CachedPrompt:
        shares = self.shares.get(model_id, UNKNOWN_SHARES)
        read = int(shares.read * min(seen, tokens))
        return CachedPrompt(read=read, written=int(shares.written * (tokens - read)))


NO_CACHES = PromptCaches()
"""Nothing is known of any cache."""
