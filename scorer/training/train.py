"""Runs a recipe: routing records -> a checkpoint. Needs torch.

``records -> split -> embed once with the frozen encoder -> learn kinds and success
-> figures on held-out records, the benefit among them -> save``

A record needs no score for every model, so files of different models can be trained together.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import torch

from scorer.data.records import matrix_of, model_ids_of
from scorer.measures.calibration import calibration_figures
from scorer.measures.ranking import mean_by_model, ranking_figures
from scorer.progress import step
from scorer.runtime.artifact import DataSource
from scorer.training.checkpoint import Facts, save_checkpoint
from scorer.training.cross_validation import measure_benefit
from scorer.training.embedding import recipe_encoder
from scorer.training.embedding_cache import EmbeddingCache
from scorer.training.mixture.amounts import amounts_by_class
from scorer.training.mixture.examples import record_examples
from scorer.training.mixture.learner import learn
from scorer.training.model import new_scorer, save_tokenizer
from scorer.training.record_checks import check_records
from scorer.training.sources import read_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from scorer.data.records import Record
    from scorer.training.mixture.examples import Examples
    from scorer.training.mixture.learner import Learned
    from scorer.training.recipe import Recipe
    from scorer.training.sources import SourceRecords


def train(
    recipe: Recipe, *, data: Path, output: Path, cache: Path, warn: Callable[[str], None]
) -> Facts:
    """Trains a scorer and writes the checkpoint into the existing directory ``output``.

    Embedding takes most of the time. Embeddings are kept as they are made, so a run that was killed
    continues where it stopped, and a run with other settings reuses them.

    Args:
        recipe: The settings.
        data: The directory that holds the recipe's files.
        output: The directory of the checkpoint.
        cache: The directory of kept embeddings.
        warn: Called with a warning about records that can be trained on but look wrong.

    Raises:
        RecordsError: A file of records has bad lines.
        UntrainableError: Nothing can be learned from the records.
    """
    found = read_sources(recipe, data)
    training = [record for each in found for record in each.training]
    validation = [record for each in found for record in each.held_out]
    check_records(training, validation, warn=warn)
    model_ids = model_ids_of([*training, *validation])
    encoder = recipe_encoder(recipe)
    read = functools.partial(
        record_examples,
        model_ids=model_ids,
        ngram_buckets=recipe.learner.ngram_buckets,
    )
    embeddings = EmbeddingCache(cache, encoder) if encoder else None
    examples = read(training, embeddings=embeddings)
    learn_from = functools.partial(learn, config=recipe.learner, seed=recipe.seed)
    with step("Learning"):
        learned = learn_from(examples)
    with step("Measuring on held-out records"):
        held_out = read(validation, embeddings=embeddings)
        figures = _figures(learned, held_out)
    benefit = measure_benefit(
        learned,
        examples,
        held_out,
        learn=learn_from,
        seed=recipe.seed,
    )
    best = int(mean_by_model(examples.targets, examples.weights).argmax())
    facts = _facts(recipe, found, learned, figures | benefit.figures, model_ids[best])
    features = learned.features(examples)
    scorer = new_scorer(
        encoder.encoder if encoder else None,
        learned,
        model_ids=model_ids,
        kind_names=kind_names(learned.kinds.shares(features), [record.task for record in training]),
        completion_tokens=_completion_tokens(learned.class_weights(features), training, model_ids),
    )
    if recipe.encoder:
        save_tokenizer(recipe.encoder.source, output)
    save_checkpoint(output, scorer=scorer, facts=facts, validation=validation)
    return facts


def _facts(
    recipe: Recipe,
    found: Sequence[SourceRecords],
    learned: Learned,
    metrics: dict[str, float],
    best_single: str,
) -> Facts:
    named = recipe.encoder
    return Facts(
        name=recipe.name,
        encoder_name=named.name if named else "",
        encoder_licence=named.licence if named else "",
        max_tokens=recipe.max_tokens,
        data_sources=tuple(_data_source(each) for each in found),
        metrics=metrics,
        best_single=best_single,
        team_rule=learned.team_rule,
    )


def _data_source(found: SourceRecords) -> DataSource:
    return DataSource(
        name=found.source.name,
        licence=found.source.licence,
        url=found.source.url,
        train_rows=len(found.training),
        validation_rows=len(found.held_out),
    )


def _figures(learned: Learned, held_out: Examples) -> dict[str, float]:
    """Returns the figures of the scores on held-out records."""
    scores = learned.scores(learned.features(held_out))
    figures = {
        **dataclasses.asdict(calibration_figures(scores, held_out.targets)),
        **dataclasses.asdict(ranking_figures(scores, held_out.targets)),
    }
    return {f"validation_{name}": value for name, value in figures.items()}


def kind_names(shares: npt.NDArray[np.float64], tasks: Sequence[str]) -> tuple[str, ...]:
    """Returns a name for each kind, for people: its number, and the task of most of its records."""
    nearest = shares.argmax(axis=1)
    names = []
    for kind in range(shares.shape[1]):
        counts = Counter(
            tasks[row] for row in np.flatnonzero(nearest == kind).tolist() if tasks[row]
        )
        common = [task for task, _ in counts.most_common(1)]
        names.append(" ".join([str(kind + 1), *common]))
    return tuple(names)


def _completion_tokens(
    class_weights: npt.NDArray[np.float64], training: Sequence[Record], model_ids: Sequence[str]
) -> torch.Tensor | None:
    """Returns the expected length of replies by class, (C, M), if the records have any."""
    lengths = matrix_of([record.completion_tokens for record in training], model_ids)
    if np.isnan(lengths).all():
        return None
    return torch.from_numpy(amounts_by_class(class_weights, lengths))
