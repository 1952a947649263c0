"""Remembers what was scored, and has a query that several callers ask at once scored once.

texts -> remembered | in flight | new -> the new ones are scored together -> remembered

A score is a pure function of artifact and text, so nothing remembered grows stale: a new artifact
comes with a new cache.
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

_NEWEST_SHARE = 0.01
"""How much the newest query says of how many are remembered, beside those before it."""
_NO_TIME = Timing(queue_s=0.0, tokenization_s=0.0, inference_s=0.0)


@dataclass(slots=True, eq=False)
class _Flight:
    """Queries that are being scored together, by key."""

    texts: dict[bytes, str]
    task: asyncio.Task[dict[bytes, ScoredQuery]]
    waiting: int = 0
    """Callers that wait for any of them."""


class ScoreCache:
    """Scores texts through a bounded memory of those scored before.

    Args:
        score: Scores texts that are not remembered.
        capacity: Queries that are remembered; the one unused for longest goes first.
    """

    def __init__(self, score: Score, capacity: int) -> None:
        self._score = score
        self._capacity = capacity
        self._remembered: OrderedDict[bytes, ScoredQuery] = OrderedDict()
        self.hit_share = 0.0
        """How many of the queries of late were remembered, in [0, 1]."""
        self._flights: dict[bytes, _Flight] = {}

    async def score(
        self, texts: Sequence[str], remaining_s: float | None = None
    ) -> list[ScoredQuery]:
        """Returns the outcome for each text, in order; raises what scoring raises.

        A caller that goes away stops the scoring only if nobody else waits for it.

        Args:
            texts: What to score.
            remaining_s: Time that the caller has; who joins others gets as long as the first of them.
        """
        keys = [_key(text) for text in texts]
        found: dict[bytes, ScoredQuery] = {}
        flights: list[_Flight] = []
        new: dict[bytes, str] = {}
        for key, text in zip(keys, texts, strict=True):
            outcome = self._remembered.get(key)
            self.hit_share += _NEWEST_SHARE * ((outcome is not None) - self.hit_share)
            if outcome is not None:
                self._remembered.move_to_end(key)
                metrics.CACHE_HITS.inc()
                found[key] = outcome
            elif (flight := self._flights.get(key)) is not None:
                metrics.CACHE_JOINS.inc()
                flights.append(flight)
            else:
                new[key] = text
        if new:
            metrics.CACHE_MISSES.inc(len(new))
            flights.append(self._start(new, remaining_s))
        if flights:
            found |= await self._landed(flights)
        return [found[key] for key in keys]

    def _start(self, texts: dict[bytes, str], remaining_s: float | None) -> _Flight:
        flight = _Flight(texts, asyncio.create_task(self._fly(texts, remaining_s)))
        # What it fails with reaches those who wait; if they all have gone, it is of no more interest.
        flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        flight.task.add_done_callback(lambda _: self._end(flight))
        self._flights |= dict.fromkeys(texts, flight)
        return flight

    async def _fly(
        self, texts: dict[bytes, str], remaining_s: float | None
    ) -> dict[bytes, ScoredQuery]:
        outcomes = await self._score(list(texts.values()), remaining_s)
        landed = dict(zip(texts, outcomes, strict=True))
        for key, outcome in landed.items():
            self._remembered[key] = dataclasses.replace(outcome, timing=_NO_TIME)
        while len(self._remembered) > self._capacity:
            self._remembered.popitem(last=False)
        return landed

    async def _landed(self, flights: Sequence[_Flight]) -> dict[bytes, ScoredQuery]:
        """Waits for flights, each of which lasts while somebody does."""
        found: dict[bytes, ScoredQuery] = {}
        for flight in flights:
            flight.waiting += 1
        try:
            for flight in flights:
                found |= await asyncio.shield(flight.task)
        finally:
            for flight in flights:
                flight.waiting -= 1
                if not flight.waiting and not flight.task.done():
                    flight.task.cancel()
                    self._end(flight)
        return found

    def _end(self, flight: _Flight) -> None:
        """Lets nobody join any more."""
        for key in flight.texts:
            if self._flights.get(key) is flight:
                del self._flights[key]


def _key(text: str) -> bytes:
    # A digest, so that no text is kept for longer than it is worked on. No artifact reads the white
    # space at a text's ends.
    return blake2b(text.strip().encode(), digest_size=16).digest()
