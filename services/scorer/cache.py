"""Caches scores; scores a query only once if several callers ask it at the same time.

texts -> cached | pending | new -> the new ones are scored together -> cached

A score depends on artifact and text only, and a new artifact has a new cache. So no cached score
ever expires. Calls share a score only if they have the same salt: the time of a call says nothing about
the queries of calls with another one.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from services.scorer import metrics
from services.scorer.outcome import ScoredQuery, Timing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Score = Callable[[Sequence[str], float | None], Awaitable[list[ScoredQuery]]]

_NEWEST_WEIGHT = 0.01
"""Weight of the newest query in the moving average of the hit ratio."""
_NO_TIME = Timing(queue_s=0.0, tokenization_s=0.0, inference_s=0.0)


@dataclass(slots=True, eq=False)
class _Pending:
    """New queries that are scored together."""

    texts: dict[bytes, str]
    """By key."""
    task: asyncio.Task[dict[bytes, ScoredQuery]]
    caller_count: int = 0
    """Callers that wait for it."""


class ScoreCache:
    """Scores texts through an LRU cache.

    Args:
        score: Scores texts that are not cached.
        capacity: Most queries that are cached.
    """

    def __init__(self, score: Score, capacity: int) -> None:
        self._score = score
        self._capacity = capacity
        self._cached: OrderedDict[bytes, ScoredQuery] = OrderedDict()
        self.hit_ratio = 0.0
        """Share of recent queries that were cached, in [0, 1]."""
        self._pending: dict[bytes, _Pending] = {}
        """By the key of each of its queries."""

    async def score(
        self, texts: Sequence[str], remaining_s: float | None = None, salt: str = ""
    ) -> list[ScoredQuery]:
        """Returns the outcome of each text, in order; raises the errors of `score`.

        Scoring is cancelled when all callers that wait for it have been cancelled.

        Args:
            texts: The texts to score.
            remaining_s: Time until the caller's deadline. A pending query keeps the deadline of the
                caller that came first.
            salt: Calls with another salt share nothing with this one.
        """
        keys = [_key(text, salt) for text in texts]
        found: dict[bytes, ScoredQuery] = {}
        awaited: list[_Pending] = []
        new: dict[bytes, str] = {}
        for key, text in zip(keys, texts, strict=True):
            outcome = self._cached.get(key)
            self.hit_ratio += _NEWEST_WEIGHT * ((outcome is not None) - self.hit_ratio)
            if outcome is not None:
                self._cached.move_to_end(key)
                metrics.CACHE_HITS.inc()
                found[key] = outcome
            elif (pending := self._pending.get(key)) is not None:
                metrics.CACHE_JOINS.inc()
                awaited.append(pending)
            else:
                new[key] = text
        if new:
            metrics.CACHE_MISSES.inc(len(new))
            awaited.append(self._start(new, remaining_s))
        if awaited:
            found |= await self._wait(awaited)
        return [found[key] for key in keys]

    def _start(self, texts: dict[bytes, str], remaining_s: float | None) -> _Pending:
        pending = _Pending(texts, asyncio.create_task(self._score_new(texts, remaining_s)))
        # An error is raised to the callers; without callers left, asyncio must not log it.
        pending.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        pending.task.add_done_callback(lambda _: self._end(pending))
        self._pending |= dict.fromkeys(texts, pending)
        return pending

    async def _score_new(
        self, texts: dict[bytes, str], remaining_s: float | None
    ) -> dict[bytes, ScoredQuery]:
        outcomes = await self._score(list(texts.values()), remaining_s)
        scored = dict(zip(texts, outcomes, strict=True))
        for key, outcome in scored.items():
            self._cached[key] = dataclasses.replace(outcome, timing=_NO_TIME)
        while len(self._cached) > self._capacity:
            self._cached.popitem(last=False)
        return scored

    async def _wait(self, awaited: Sequence[_Pending]) -> dict[bytes, ScoredQuery]:
        """Waits for the outcomes; cancels each scoring whose last caller is cancelled."""
        found: dict[bytes, ScoredQuery] = {}
        for pending in awaited:
            pending.caller_count += 1
        try:
            for pending in awaited:
                found |= await asyncio.shield(pending.task)
        finally:
            for pending in awaited:
                pending.caller_count -= 1
                if not pending.caller_count and not pending.task.done():
                    pending.task.cancel()
                    self._end(pending)
        return found

    def _end(self, pending: _Pending) -> None:
        """Removes a scoring from the pending ones, so that no other caller joins it."""
        for key in pending.texts:
            if self._pending.get(key) is pending:
                del self._pending[key]


def _key(text: str, salt: str) -> bytes:
    # A digest, so that no text is kept after it was scored. All artifacts ignore leading and trailing
    # white space.
    key = blake2b(salt.encode()).digest() if salt else b""
    return blake2b(text.strip().encode(), digest_size=16, key=key).digest()
