"""Measures the benefit of a scorer on records that it has not learned from. Needs torch.

``learned from some records, tried on others -> score of each first choice (N, 3) -> Benefit``

Where few records are held out, others are too: each fold is tried with a scorer that learned from the
other folds, hyper-parameters included. So the figures are those of a whole training, not of one that
has seen the labels while it chose.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from scorer.data.splits import fold_of
from scorer.measures.benefit import benefit_of
from scorer.measures.ranking import mean_by_model, ranking_outcomes
from scorer.progress import track
from scorer.training.neighbours import fit_neighbours

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import torch

    from scorer.measures.benefit import Benefit
    from scorer.training.mixture.examples import Examples
    from scorer.training.mixture.learner import Learned

    Floats = npt.NDArray[np.float64]

ENOUGH_RECORDS = 2000
"""With so many held-out records, nothing is learned again."""

FOLDS = 5

MAX_NEIGHBOURS = 20_000
"""Largest number of training queries among which neighbours are sought."""


def measure_benefit(
    learned: Learned,
    training: Examples,
    held_out: Examples,
    *,
    learn: Callable[[Examples], Learned],
    seed: int,
) -> Benefit:
    """Returns the benefit of a scorer, measured on the held-out records and, if these are few, folds.

    Args:
        learned: The scorer, which learned from ``training``.
        training: The records that it learned from.
        held_out: Other records; at least one.
        learn: Learns from examples as the scorer did.
        seed: Decides the folds.
    """
    tried = [_first_choices(learned, training, held_out, seed)]
    weights = [held_out.weights]
    if len(held_out.texts) < ENOUGH_RECORDS:
        # Another seed than that of the learner's own folds, so that none of these is empty.
        fold_of_row = np.array([fold_of(text, FOLDS, seed + 1) for text in training.texts])
        for fold in track(range(FOLDS), "Cross-validating"):
            rest = _part(training, np.flatnonzero(fold_of_row != fold))
            rows = _part(training, np.flatnonzero(fold_of_row == fold))
            if rest.texts and rows.texts:
                tried.append(_first_choices(learn(rest), rest, rows, seed))
                weights.append(rows.weights)
    return benefit_of(np.concatenate(tried), np.concatenate(weights))


def _first_choices(learned: Learned, training: Examples, tried: Examples, seed: int) -> Floats:
    """Returns the scores of the first choices by three ways, (N, 3); see ``benefit_of``."""
    features = learned.features(tried)
    preferences = (
        learned.scores(features),
        np.tile(mean_by_model(training.targets, training.weights), (len(tried.texts), 1)),
        _neighbours_scores(learned, training, features, seed),
    )
    outcomes = [ranking_outcomes(each, tried.targets).scores for each in preferences]
    return np.stack(outcomes, axis=1).astype(np.float64)


def _neighbours_scores(
    learned: Learned, training: Examples, features: torch.Tensor, seed: int
) -> npt.NDArray[np.float32]:
    count = len(training.texts)
    if count > MAX_NEIGHBOURS:
        drawn = np.random.default_rng(seed).choice(count, MAX_NEIGHBOURS, replace=False)
        training = _part(training, np.sort(drawn))
    neighbours = fit_neighbours(
        _unit(learned.features(training)),
        training.targets,
        training.texts,
        weights=training.weights,
        seed=seed,
    )
    return neighbours.scores(_unit(features))


def _unit(features: torch.Tensor) -> npt.NDArray[np.float32]:
    rows = np.asarray(features)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = (rows / np.maximum(lengths, 1e-9)).astype(np.float32)
    return unit


def _part(examples: Examples, rows: npt.NDArray[np.intp]) -> Examples:
    """Returns the given rows."""

    def taken(values: Any) -> Any:
        if values is None or isinstance(values, np.ndarray):
            return None if values is None else values[rows]
        return [values[row] for row in rows]

    fields = dataclasses.fields(examples)
    return dataclasses.replace(
        examples, **{field.name: taken(getattr(examples, field.name)) for field in fields}
    )
