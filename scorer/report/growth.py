"""A recipe and records -> what a scorer learned from ever more of the training records is worth.

``training records -> 10, 20, 50, 100 % -> learn -> mean score on the records``. Needs torch.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.records import model_ids_of, read_records, targets_of
from scorer.data.splits import split_records
from scorer.embedding import FrozenEncoder
from scorer.embedding_cache import EmbeddingCache
from scorer.measures.intervals import Interval, bootstrap_means, interval
from scorer.measures.ranking import mean_by_model, ranking_outcomes
from scorer.mixture.learner import Examples, learn, read_features
from scorer.ngrams import ngram_ids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scorer.config import Recipe
    from scorer.data.records import Record

SHARES = (0.1, 0.2, 0.5, 1.0)
SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What ever more training records give on the same records."""

    scores: dict[int, Interval]
    """Mean score of the first choice by number of training records."""
    best_single: float
    """Mean score of always taking the model that is best on all the training records."""


def grow(recipe: Recipe, records: Sequence[Record], *, data: Path, embeddings: Path) -> Growth:
    """Learns from growing shares of a recipe's training records; a smaller share is in a larger one.

    Args:
        recipe: What to learn from, and how.
        records: What to judge by; those that were learned from must not be among them.
        data: The directory below which the recipe's files lie.
        embeddings: The directory that keeps embeddings.
    """
    cache = None
    if recipe.encoder:
        encoder = FrozenEncoder(
            recipe.encoder.source, max_tokens=recipe.max_tokens, layers=recipe.encoder.layers
        )
        cache = EmbeddingCache(embeddings, encoder)
    training = _training(recipe, data)
    model_ids = model_ids_of(training)
    known = [record for record in records if not record.scores.keys().isdisjoint(model_ids)]
    test = _examples(known, model_ids, recipe, cache)
    scores: dict[int, Interval] = {}
    for share in SHARES:
        _, part = split_records(training, validation_fraction=share, seed=recipe.seed + 1)
        # All models, though a small part may not have a label of each.
        examples = _examples(part, model_ids, recipe, cache)
        learned = learn(examples, config=recipe.learner, seed=recipe.seed)
        predicted = learned.scores(learned.class_weights(read_features(test, learned.projection)))
        outcomes = ranking_outcomes(predicted, test.targets).scores
        means = bootstrap_means(outcomes[:, None], ["all"] * len(outcomes), seed=SEED)
        scores[len(part)] = interval(float(outcomes.mean()), means[:, 0])
    single = np.tile(mean_by_model(targets_of(training, model_ids)), (len(known), 1))
    best_single = float(ranking_outcomes(single, test.targets).scores.mean())
    return Growth(scores=scores, best_single=best_single)


def _training(recipe: Recipe, data: Path) -> list[Record]:
    """Returns what the recipe trains on: its held-out records stay out."""
    records = [
        dataclasses.replace(record, task=f"{source.name}/{record.task}")
        for source in recipe.sources
        for record in read_records(data / source.file)
    ]
    training, _ = split_records(
        records, validation_fraction=recipe.validation_fraction, seed=recipe.seed
    )
    return training


def _examples(
    records: Sequence[Record],
    model_ids: Sequence[str],
    recipe: Recipe,
    cache: EmbeddingCache | None,
) -> Examples:
    texts = [record.query for record in records]
    return Examples(
        texts=texts,
        tasks=[record.task for record in records],
        bags=[ngram_ids(text, recipe.learner.ngram_buckets) for text in texts],
        embeddings=cache.embed(texts) if cache else None,
        targets=targets_of(records, model_ids),
        weights=np.array([record.weight for record in records]),
    )
