"""The labelled queries that the learner reads.

``texts -> bags of n-gram ids and, with an encoder, embeddings``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.records import targets_of
from scorer.progress import track
from scorer.runtime.ngrams import ngram_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.data.records import Record
    from scorer.training.embedding_cache import EmbeddingCache


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """N labelled queries."""

    texts: Sequence[str]
    bags: Sequence[npt.NDArray[np.int64]]
    """N-gram ids of each text."""
    embeddings: npt.NDArray[np.float32] | None
    """Unit-length embeddings, (N, D); None to learn from n-grams alone."""
    targets: npt.NDArray[np.float32]
    """Labels, (N, M), NaN where there is none."""
    weights: npt.NDArray[np.float64]
    """Weight of each row, in queries, (N,)."""


def make_examples(
    texts: Sequence[str],
    *,
    targets: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float64],
    ngram_buckets: int,
    embeddings: EmbeddingCache | None,
) -> Examples:
    """Returns N texts as examples; without ``embeddings`` they have n-grams alone."""
    return Examples(
        texts=texts,
        bags=[ngram_ids(text, ngram_buckets) for text in track(texts, "Hashing n-grams")],
        embeddings=embeddings.embed(texts) if embeddings else None,
        targets=targets,
        weights=weights,
    )


def record_examples(
    records: Sequence[Record],
    model_ids: Sequence[str],
    *,
    ngram_buckets: int,
    embeddings: EmbeddingCache | None,
) -> Examples:
    """Returns records as examples, with the labels of the named models."""
    return make_examples(
        [record.query for record in records],
        targets=targets_of(records, model_ids),
        weights=np.array([record.weight for record in records]),
        ngram_buckets=ngram_buckets,
        embeddings=embeddings,
    )
