"""Another scorer's view of recorded queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer import Runtime, load_artifact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_BATCH = 64


def rescore(artifact: Path, texts: Sequence[str]) -> tuple[str, list[Mapping[str, float]]]:
    """Returns the artifact's version, and its score per model for each text.

    Raises:
        ArtifactError: The artifact cannot be used.
    """
    runtime = Runtime.open(load_artifact(artifact))
    scores: list[Mapping[str, float]] = []
    for start in range(0, len(texts), _BATCH):
        queries = [runtime.tokenize(text) for text in texts[start : start + _BATCH]]
        rows = runtime.score(queries)
        scores += [dict(zip(runtime.model_ids, row.tolist(), strict=True)) for row in rows]
    return runtime.version, scores
