"""`bentoml serve tests.bench.scorer_peers.servers.with_bentoml:Scores --port N`."""

from __future__ import annotations

import bentoml

from tests.bench.scorer_peers.servers.model import MAX_BATCH, Model


@bentoml.service(workers=1, traffic={"timeout": 60, "max_concurrency": 256})
class Scores:
    """Scores requests in batches."""

    def __init__(self) -> None:
        self._model = Model()

    @bentoml.api(batchable=True, max_batch_size=MAX_BATCH, max_latency_ms=10_000)  # type: ignore[untyped-decorator]
    def score(self, queries: list[str]) -> list[list[float]]:
        """Returns the scores of every query."""
        return self._model.score(queries)
