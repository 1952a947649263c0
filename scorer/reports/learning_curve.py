"""Measures the mean score of scorers that learn from more and more training records. Needs torch.

``training records -> 10, 20, 50, 100 % -> learn -> mean score on the records``
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.records import model_ids_of, targets_of
from scorer.data.splits import split_records
from scorer.measures.intervals import Interval, bootstrap_means, interval
from scorer.measures.ranking import mean_by_model, ranking_outcomes
from scorer.training.embedding import recipe_encoder
from scorer.training.embedding_cache import EmbeddingCache
from scorer.training.mixture.examples import record_examples
from scorer.training.mixture.learner import learn
from scorer.training.sources import read_sources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scorer.data.records import Record
    from scorer.training.recipe import Recipe

SHARES = (0.1, 0.2, 0.5, 1.0)
SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """Mean scores on the same records, by the number of training records."""

    scores: dict[int, Interval]
    """Mean score of the first choice, by number of training records."""
    best_single: float
    """Mean score of the model that is best on all training records."""


def measure_curve(
    recipe: Recipe, records: Sequence[Record], *, data: Path, embeddings: Path
) -> LearningCurve:
    """Learns from growing shares of a recipe's training records; a smaller share is part of a larger.

    Args:
        recipe: The recipe.
        records: The records to measure on; no training record may be among them.
        data: The directory that holds the recipe's files.
        embeddings: The directory of kept embeddings.
    """
    training = [record for each in read_sources(recipe, data) for record in each.training]
    model_ids = model_ids_of(training)
    encoder = recipe_encoder(recipe)
    read = functools.partial(
        record_examples,
        model_ids=model_ids,
        ngram_buckets=recipe.learner.ngram_buckets,
    )
    kept = EmbeddingCache(embeddings, encoder) if encoder else None
    known = [record for record in records if not record.scores.keys().isdisjoint(model_ids)]
    test = read(known, embeddings=kept)
    scores: dict[int, Interval] = {}
    for share in SHARES:
        _, part = split_records(training, validation_fraction=share, seed=recipe.seed + 1)
        # All models, though a small part may lack labels of some.
        learned = learn(read(part, embeddings=kept), config=recipe.learner, seed=recipe.seed)
        predicted = learned.scores(learned.features(test))
        outcomes = ranking_outcomes(predicted, test.targets).scores
        means = bootstrap_means(outcomes[:, None], ["all"] * len(outcomes), seed=SEED)
        scores[len(part)] = interval(float(outcomes.mean()), means[:, 0])
    single = np.tile(mean_by_model(targets_of(training, model_ids)), (len(known), 1))
    best_single = float(ranking_outcomes(single, test.targets).scores.mean())
    return LearningCurve(scores=scores, best_single=best_single)
