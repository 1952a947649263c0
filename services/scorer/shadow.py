"""Scores the same queries with a second artifact and counts how often the two agree.

The results go to metrics only. Callers never wait for it: when its queue is full, queries are
dropped and counted.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np

from routemoa.errors import RouteMoAError
from services.scorer.batching.batcher import BatchFailedError
from services.scorer.metrics import SHADOW_DIFFERENCE, SHADOW_QUERIES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from services.scorer.outcome import ScoredQuery
    from services.scorer.scoring import Scoring

MAX_QUEUED = 64
"""Most queries in the queue of the shadow artifact."""


class Shadow:
    """Compares the default artifact with the shadow artifact.

    Args:
        current: Returns the current shadow artifact, which may be reloaded.
    """

    def __init__(self, current: Callable[[], Scoring]) -> None:
        self._current = current
        self._queue: asyncio.Queue[tuple[str, str, Scoring, ScoredQuery]] = asyncio.Queue(
            MAX_QUEUED
        )

    def observe(self, text: str, salt: str, used: Scoring, outcome: ScoredQuery) -> None:
        """Queues a query with the default artifact's scores; drops it if the queue is full."""
        try:
            self._queue.put_nowait((text, salt, used, outcome))
        except asyncio.QueueFull:
            SHADOW_QUERIES.labels("dropped").inc()

    async def run(self) -> None:
        """Compares queued queries, one at a time, until it is cancelled."""
        while True:
            text, salt, used, outcome = await self._queue.get()
            other = self._current()
            try:
                (shadow,) = await other.score([text], salt=salt)
            except (RouteMoAError, BatchFailedError):
                SHADOW_QUERIES.labels("failed").inc()
                continue
            compare(used, outcome, other, shadow)


def compare(used: Scoring, outcome: ScoredQuery, other: Scoring, shadow: ScoredQuery) -> None:
    """Records one query: the score difference, and if both rank the same model first."""
    columns = {model_id: index for index, model_id in enumerate(other.runtime.model_ids)}
    common = [(i, columns[m]) for i, m in enumerate(used.runtime.model_ids) if m in columns]
    if not common:
        SHADOW_QUERIES.labels("failed").inc()
        return
    ours, theirs = np.array(common).T
    scores, shadow_scores = outcome.scores[ours], shadow.scores[theirs]
    same = int(scores.argmax()) == int(shadow_scores.argmax())
    SHADOW_QUERIES.labels("same" if same else "other").inc()
    SHADOW_DIFFERENCE.observe(float(np.abs(scores - shadow_scores).mean()))


@asynccontextmanager
async def comparing(shadow: Shadow) -> AsyncIterator[None]:
    """Runs the shadow until the block ends."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(shadow.run())
        try:
            yield
        finally:
            task.cancel()
