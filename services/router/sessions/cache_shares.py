"""Learns from reported usage what backends read from their caches and write to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.routing.prompt_caches import UNKNOWN_SHARES, CacheShares
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.types.ledger import LedgerEntry

_NEWEST_WEIGHT = 0.2
"""Weight of the newest observation: a dozen calls replace a habit."""
_MAX_MODELS = 1_000


class LearntShares:
    """The habits of the backends of each model, as this router saw them."""

    def __init__(self) -> None:
        self._read: dict[str, float] = {}
        self._written: dict[str, float] = {}
        self._shares: dict[str, CacheShares] = {}
        """The shares of each model that has reported anything; the one that reported last is last."""

    @property
    def by_model(self) -> Mapping[str, CacheShares]:
        """The shares of each model that has reported anything."""
        return self._shares.copy()

    def observe(self, entry: LedgerEntry, *, seen_share: float) -> None:
        """Learns from an attempt.

        Args:
            entry: The attempt.
            seen_share: The share of its prompt that the backend had seen before, in [0, 1].
        """
        if entry.status is not CallStatus.OK or entry.estimated or not entry.prompt_tokens:
            return
        seen_tokens = seen_share * entry.prompt_tokens
        if seen_tokens >= 1:
            _learn(self._read, entry.model_id, entry.cached_prompt_tokens / seen_tokens)
        fresh_tokens = entry.prompt_tokens - entry.cached_prompt_tokens
        if fresh_tokens > 0:
            share = entry.cache_written_prompt_tokens / fresh_tokens
            _learn(self._written, entry.model_id, share)
        self._keep(entry.model_id)

    def _keep(self, model_id: str) -> None:
        self._shares.pop(model_id, None)
        self._shares[model_id] = CacheShares(
            read=self._read.get(model_id, UNKNOWN_SHARES.read),
            written=self._written.get(model_id, UNKNOWN_SHARES.written),
        )
        if len(self._shares) > _MAX_MODELS:
            oldest = next(iter(self._shares))
            del self._shares[oldest]
            self._read.pop(oldest, None)
            self._written.pop(oldest, None)


def _learn(shares: dict[str, float], model_id: str, observed: float) -> None:
    observed = min(1.0, max(0.0, observed))
    before = shares.get(model_id, observed)
    shares[model_id] = before + _NEWEST_WEIGHT * (observed - before)
