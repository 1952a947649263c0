"""The scorer service with a model that does nothing: what is left is the cost of serving.

`python -m tests.bench.noop_scorer`, with the settings of the scorer service.
"""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import uvloop

from scorer import Runtime, default_artifact_path, load_artifact
from scorer.runtime.runtime import Reading
from services.rpc.config import load_config
from services.rpc.server import serve
from services.scorer.app import scorer_service
from services.scorer.config import ScorerServiceConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from scorer import TokenizedQuery
    from services.rpc.server import Service


class NoopRuntime(Runtime):
    """Answers every query with what it once answered to one."""

    def prepare(self) -> None:
        """Reads the one query and its scores."""
        self._query = super().tokenize("a word")
        self._reading = super().read([self._query])

    def tokenize(self, text: str) -> TokenizedQuery:
        """Returns the one query."""
        return self._query

    def read(self, queries: Sequence[TokenizedQuery]) -> Reading:
        """Returns the one reading for each."""
        rows = [0] * len(queries)
        reading = self._reading
        return Reading(
            scores=reading.scores[rows],
            class_weights=reading.class_weights[rows],
            completion_tokens=None,
            uncertainty=reading.uncertainty[rows],
        )


@asynccontextmanager
async def noop_app(config: ScorerServiceConfig) -> AsyncIterator[Service]:
    """Yields the scorer on a runtime that does nothing."""
    runtime = NoopRuntime.open(load_artifact(default_artifact_path()))
    assert isinstance(runtime, NoopRuntime)
    runtime.prepare()
    async with scorer_service(config, runtime) as service:
        yield service


if __name__ == "__main__":
    settings = load_config(ScorerServiceConfig, sys.argv[1:])
    uvloop.run(serve(settings, noop_app(settings)))
