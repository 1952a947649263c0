"""What every peer serves: texts -> scores, tokenizer included."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from scorer import Runtime, load_artifact

if TYPE_CHECKING:
    from collections.abc import Sequence

THREADS = 2
MAX_BATCH = 32
PATIENCE_MS = 2
ARTIFACT_VARIABLE = "ROUTEMOA_SCORER_ARTIFACT"
"""Names the artifact to every server, ours included."""


class Model:
    """The artifact that is compared on."""

    def __init__(self) -> None:
        artifact = load_artifact(Path(os.environ[ARTIFACT_VARIABLE]))
        self._runtime = Runtime.open(artifact, intra_op_threads=THREADS)

    def score(self, texts: Sequence[str]) -> list[list[float]]:
        """Returns the scores of every model for each text."""
        queries = [self._runtime.tokenize(text) for text in texts]
        rows: list[list[float]] = self._runtime.score(queries).tolist()
        return rows
