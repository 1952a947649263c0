"""One artifact at work: runtime -> batcher -> cache."""

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
    from services.scorer.batching.batcher import BatchLimits
    from services.scorer.outcome import ScoredQuery


WORTH_READING = 0.1
"""Where more of the queries are remembered, calls are read also under overload. Reading a call in order
to refuse it costs 0.2 CPU-ms more than to refuse it unread; answering a query costs ten times that."""


class Scoring:
    """Scores texts with one runtime, from `async with` until the block ends.

    Args:
        runtime: A runtime that is warm.
        limits: How large batches and their queue may grow.
        cache_size: Queries whose scores are remembered. 0: none, and nothing is shared.
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
        self._score = self._batcher.score if self._cache is None else self._cache.score
        self._calls = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Self:
        await self._batcher.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._batcher.__aexit__()

    async def score(
        self, texts: Sequence[str], remaining_s: float | None = None
    ) -> list[ScoredQuery]:
        """Returns the outcome for each text, in order; see `Batcher.score`."""
        self._calls += 1
        self._idle.clear()
        try:
            return await self._score(texts, remaining_s)
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    def refusal(self) -> OverloadedError | None:
        """Returns why any query that comes now would be refused; None if one might not be."""
        if self._cache is not None and self._cache.hit_share > WORTH_READING:
            return None
        return self._batcher.refusal()

    async def idle(self) -> None:
        """Waits until no call is scored."""
        await self._idle.wait()


class OneScoring:
    """The one artifact of a scorer that has no other."""

    names = ()

    def __init__(self, scoring: Scoring) -> None:
        self.default = scoring

    def get(self, name: str) -> Scoring | None:  # noqa: ARG002  # there are no names
        """Returns None: there are no names."""
        return None
