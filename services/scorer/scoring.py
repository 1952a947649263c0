"""Scores texts with one artifact: runtime -> batcher -> cache."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from services.scorer.batching.batcher import Batcher
from services.scorer.cache import ScoreCache
from services.scorer.ranking import Ranking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routemoa.errors import OverloadedError
    from scorer import Runtime
    from services.scorer.batching.batch_limits import BatchLimits
    from services.scorer.outcome import ScoredQuery


SHED_BELOW_HIT_RATIO = 0.1
"""Calls are shed unread only if the cache hit ratio is not above this; else the cache may answer them.
To read a call and then refuse it costs 0.2 CPU-ms more than to shed it unread; to score a query
costs ten times that."""


class Scoring:
    """Scores texts with one runtime until the `async with` block ends.

    Args:
        runtime: A runtime that is warmed up.
        limits: The limits of batches and of their queue.
        cache_size: Most queries whose scores are cached. 0: no cache, and equal queries are not
            shared.
    """

    def __init__(self, runtime: Runtime, limits: BatchLimits, cache_size: int) -> None:
        self.runtime = runtime
        manifest = runtime.artifact.manifest
        self.ranking = Ranking(
            runtime.model_ids,
            runtime.class_success(),
            [skill.class_count for skill in manifest.skills],
            manifest.team_rule,
        )
        self._batcher = Batcher(runtime, limits)
        self._cache = ScoreCache(self._batcher.score, cache_size) if cache_size else None
        self._calls = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Self:
        await self._batcher.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._batcher.__aexit__()

    async def score(
        self, texts: Sequence[str], remaining_s: float | None = None, salt: str = ""
    ) -> list[ScoredQuery]:
        """Returns the outcome of each text, in order; see `Batcher.score` and `ScoreCache.score`."""
        self._calls += 1
        self._idle.clear()
        try:
            if self._cache is None:
                return await self._batcher.score(texts, remaining_s)
            return await self._cache.score(texts, remaining_s, salt)
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    def shed_reason(self) -> OverloadedError | None:
        """Returns the error for any new call, to be shed unread; None if calls must be read."""
        if self._cache is not None and self._cache.hit_ratio > SHED_BELOW_HIT_RATIO:
            return None
        return self._batcher.shed_reason()

    async def idle(self) -> None:
        """Waits until no call is in progress."""
        await self._idle.wait()
