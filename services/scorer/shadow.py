"""Has another artifact score the same queries on the side, and counts where the two agree.

What it finds goes into metrics alone. It never holds up a caller: when it is behind, queries are
dropped and counted.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import structlog

from routemoa.errors import RouteMoAError
from services.scorer.batching.batcher import BatchFailedError
from services.scorer.metrics import SHADOW_DIFFERENCE, SHADOW_QUERIES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from services.scorer.outcome import ScoredQuery
    from services.scorer.scoring import Scoring

WAITING = 64
"""Queries that may wait for the shadow."""

_log = structlog.get_logger()


class Shadow:
    """Compares the artifact in use with another one.

    Args:
        current: Returns what scores with the other one now.
    """

    def __init__(self, current: Callable[[], Scoring]) -> None:
        self._current = current
        self._waiting: asyncio.Queue[tuple[str, Scoring, ScoredQuery]] = asyncio.Queue(WAITING)

    def observe(self, text: str, used: Scoring, outcome: ScoredQuery) -> None:
        """Has a query that was just scored compared, if there is room."""
        try:
            self._waiting.put_nowait((text, used, outcome))
        except asyncio.QueueFull:
            SHADOW_QUERIES.labels("dropped").inc()

    async def run(self) -> None:
        """Compares what comes, one query after the other, for ever."""
        while True:
            text, used, outcome = await self._waiting.get()
            other = self._current()
            try:
                (shadow,) = await other.score([text])
            except (RouteMoAError, BatchFailedError):
                SHADOW_QUERIES.labels("failed").inc()
                continue
            compare(used, outcome, other, shadow)


def compare(used: Scoring, outcome: ScoredQuery, other: Scoring, shadow: ScoredQuery) -> None:
    """Counts one query: whether both rank the same of their common models first, how far they are."""
    columns = {model_id: place for place, model_id in enumerate(other.runtime.model_ids)}
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
async def shadowing(shadow: Shadow) -> AsyncIterator[None]:
    """Compares until the block ends."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(shadow.run())
        try:
            yield
        finally:
            task.cancel()
