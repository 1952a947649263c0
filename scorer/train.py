"""Recipe + records -> checkpoint. Needs torch.

``records -> split -> embed once with the frozen encoder -> learn the mixture and its calibration
-> figures on held-out records -> save``

A record without a score for a model says nothing about that model, so files of different models can
be trained together.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import torch

from scorer.artifact import DataSource
from scorer.checkpoint import Facts, save_checkpoint
from scorer.data.checks import one_class_models
from scorer.data.records import matrix_of, model_ids_of, read_records, targets_of
from scorer.data.splits import split_records
from scorer.embedding import FrozenEncoder
from scorer.embedding_cache import EmbeddingCache
from scorer.measures.calibration import calibration_figures
from scorer.measures.ranking import ranking_figures
from scorer.mixture.amounts import amounts_by_class
from scorer.mixture.learner import Examples, learn, read_features
from scorer.model import new_scorer, save_tokenizer
from scorer.tokenizer import QueryTokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from scorer.config import Recipe
    from scorer.data.records import Record
    from scorer.mixture.learner import Learned


def train(
    recipe: Recipe, *, data: Path, output: Path, cache: Path, warn: Callable[[str], None]
) -> Facts:
    """Trains a scorer and writes the checkpoint into the existing directory ``output``.

    What takes long is embedding. Embeddings are kept as they are made, so that a run that was killed
    goes on where it was, and one with other settings need not wait for them again.

    Args:
        recipe: What to train.
        data: The directory below which the recipe's files lie.
        output: Where the checkpoint goes.
        cache: Where embeddings are kept.
        warn: Told what is odd about the records, though they can be trained on.

    Raises:
        RecordsError: A file of records has bad lines.
    """
    sources, training, validation = _read(recipe, data)
    model_ids = model_ids_of([*training, *validation])
    for model_id in one_class_models([*training, *validation]):
        warn(f"{model_id} has one and the same score everywhere")
    encoder = _encoder(recipe)
    embeddings = EmbeddingCache(cache, encoder) if encoder else None
    tokenizer = QueryTokenizer(
        save_tokenizer(recipe.encoder.source, output) if recipe.encoder else None,
        max_tokens=recipe.max_tokens,
        ngram_buckets=recipe.learner.ngram_buckets,
    )
    examples = _examples(training, model_ids, tokenizer, embeddings)
    learned = learn(examples, config=recipe.learner, seed=recipe.seed)
    held_out = _examples(validation, model_ids, tokenizer, embeddings)
    facts = Facts(
        name=recipe.name,
        encoder_name=recipe.encoder.name if recipe.encoder else "",
        encoder_licence=recipe.encoder.licence if recipe.encoder else "",
        max_tokens=recipe.max_tokens,
        data_sources=sources,
        metrics=_figures(learned, held_out),
    )
    scorer = new_scorer(
        encoder.encoder if encoder else None,
        learned,
        model_ids=model_ids,
        completion_tokens=_completion_tokens(learned, training, examples, model_ids),
    )
    save_checkpoint(output, scorer=scorer, facts=facts, validation=validation)
    return facts


def _encoder(recipe: Recipe) -> FrozenEncoder | None:
    if recipe.encoder is None:
        return None
    return FrozenEncoder(
        recipe.encoder.source, max_tokens=recipe.max_tokens, layers=recipe.encoder.layers
    )


def _read(recipe: Recipe, data: Path) -> tuple[tuple[DataSource, ...], list[Record], list[Record]]:
    """Returns the sources, and the training and the held-out records, tasks named by source."""
    sources: list[DataSource] = []
    training: list[Record] = []
    validation: list[Record] = []
    for source in recipe.sources:
        records = [
            dataclasses.replace(record, task=f"{source.name}/{record.task}")
            for record in read_records(data / source.file)
        ]
        ours, held_out = split_records(
            records, validation_fraction=recipe.validation_fraction, seed=recipe.seed
        )
        training += ours
        validation += held_out
        sources.append(
            DataSource(
                name=source.name,
                licence=source.licence,
                url=source.url,
                train_rows=len(ours),
                validation_rows=len(held_out),
            )
        )
    return tuple(sources), training, validation


def _examples(
    records: Sequence[Record],
    model_ids: Sequence[str],
    tokenizer: QueryTokenizer,
    cache: EmbeddingCache | None,
) -> Examples:
    texts = [record.query for record in records]
    return Examples(
        texts=texts,
        tasks=[record.task for record in records],
        bags=[tokenizer.encode(text).ngrams for text in texts],
        embeddings=cache.embed(texts) if cache else None,
        targets=targets_of(records, model_ids),
        weights=np.array([record.weight for record in records]),
    )


def _figures(learned: Learned, held_out: Examples) -> dict[str, float]:
    """Returns what the scores are worth on records that took no part in learning."""
    scores = learned.scores(learned.class_weights(read_features(held_out, learned.projection)))
    figures = {
        **dataclasses.asdict(calibration_figures(scores, held_out.targets)),
        **dataclasses.asdict(ranking_figures(scores, held_out.targets)),
    }
    return {f"validation_{name}": value for name, value in figures.items()}


def _completion_tokens(
    learned: Learned,
    training: Sequence[Record],
    examples: Examples,
    model_ids: Sequence[str],
) -> torch.Tensor | None:
    """Returns the expected length of replies by class, (C, M), if the records have any."""
    lengths = matrix_of([record.completion_tokens for record in training], model_ids)
    if np.isnan(lengths).all():
        return None
    class_weights = learned.class_weights(read_features(examples, learned.projection))
    return torch.from_numpy(amounts_by_class(class_weights, lengths))
