"""Opens artifacts for queries, and closes them when their last call has ended."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from scorer import Provider
from scorer.runtime.cores import usable_cores
from services.scorer.artifacts.low_priority_thread import run_at_low_priority
from services.scorer.scoring import Scoring

if TYPE_CHECKING:
    from pathlib import Path

    from services.scorer.artifacts.open_runtime import OpenRuntime
    from services.scorer.config import ScorerServiceConfig


class Opener:
    """Opens artifacts with the settings of the service.

    Args:
        config: The settings.
        open_runtime: Opens and checks an artifact; called in a thread.
    """

    def __init__(self, config: ScorerServiceConfig, open_runtime: OpenRuntime) -> None:
        self._config = config
        self._open_runtime = open_runtime

    async def open(self, path: Path, served: frozenset[str]) -> Scoring:
        """Returns an artifact that is ready for queries; its `__aexit__` must be called.

        Args:
            path: The directory of the artifact.
            served: The ids of the models that it must rank.

        Raises:
            StartUpError: The artifact is not usable, or the execution provider is not available.
        """
        opener = partial(self._open_runtime, self._config, path, served)
        threads = self._config.intra_op_threads or usable_cores()
        if threads > 1 or self._config.provider is not Provider.CPU:
            # Not at low priority: the session starts threads that would keep it.
            runtime = await asyncio.to_thread(opener)
        else:
            # There may be a single core, and calls need it meanwhile.
            runtime = await run_at_low_priority(opener)
        scoring = Scoring(runtime, self._config.batch_limits, self._config.cache_queries)
        return await scoring.__aenter__()


async def close_when_idle(scoring: Scoring) -> None:
    """Closes an artifact that gets no more calls, once its last one has ended."""
    await scoring.idle()
    await scoring.__aexit__()
