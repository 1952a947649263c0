"""What every peer serves: texts -> scores, tokenizer included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer import Runtime, default_artifact_path, load_artifact

if TYPE_CHECKING:
    from collections.abc import Sequence

THREADS = 2
MAX_BATCH = 32
PATIENCE_MS = 2


class Model:
    """The artifact, or a model that does nothing."""

    def __init__(self) -> None:
        self._runtime = Runtime.open(
            load_artifact(default_artifact_path()), intra_op_threads=THREADS
        )

    def score(self, texts: Sequence[str]) -> list[list[float]]:
        """Returns the scores of every model for each text."""
        queries = [self._runtime.tokenize(text) for text in texts]
        rows: list[list[float]] = self._runtime.score(queries).tolist()
        return rows
