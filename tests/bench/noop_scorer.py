"""The scorer service with a model that does nothing, to measure the cost of serving alone.

`python -m tests.bench.noop_scorer`, with the settings of the scorer service.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import uvloop

from scorer import Runtime, load_artifact
from scorer.runtime.runtime import Prediction
from services.rpc.config import load_config
from services.rpc.server import serve
from services.scorer.app import scorer_app
from services.scorer.config import ScorerServiceConfig

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scorer import TokenizedQuery


class NoopRuntime(Runtime):
    """Answers every query with its prediction for one query."""

    def prepare(self) -> None:
        """Computes the prediction for the one query."""
        self._query = super().tokenize("a word")
        self._reading = super().predict([self._query])

    def tokenize(self, text: str) -> TokenizedQuery:
        """Returns the one query."""
        return self._query

    def predict(self, queries: Sequence[TokenizedQuery]) -> Prediction:
        """Returns the same prediction for each."""
        rows = [0] * len(queries)
        reading = self._reading
        return Prediction(
            scores=reading.scores[rows],
            class_weights=reading.class_weights[rows],
            completion_tokens=None,
            uncertainty=reading.uncertainty[rows],
        )


def open_noop(config: ScorerServiceConfig, path: Path, served: frozenset[str]) -> Runtime:
    """Opens an artifact with a runtime that does nothing; called like `open_runtime`."""
    runtime = NoopRuntime.open(load_artifact(path))
    assert isinstance(runtime, NoopRuntime)
    runtime.prepare()
    return runtime


if __name__ == "__main__":
    settings = load_config(ScorerServiceConfig, sys.argv[1:])
    uvloop.run(serve(settings, scorer_app(settings, open_runtime=open_noop)))
