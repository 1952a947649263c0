"""Labelled queries -> a calibrated mixture. Needs torch.

``texts -> n-gram projection -> features -> skills and classes -> mixture -> calibration``

The calibration is fitted on scores that each fifth of the data got from the other four, so no record
has to be set aside for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from scorer.calibrate import Calibration, fit_calibration, logit, sigmoid
from scorer.data.splits import fold_of
from scorer.mixture.mixture import Mixture, MixtureConfig, fit_mixture
from scorer.mixture.projection import fit_projection, hash_all, project_all
from scorer.mixture.skills import SkillTable, fit_skills, skill_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

FEATURE_SCALE = 3.0
"""Unit vectors times this: directions of length one then make logits of a useful size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerConfig:
    """What is learned, and how."""

    buckets: int = 1 << 15
    """Ids that n-grams are hashed to."""
    projection_width: int = 128
    """Numbers that the n-grams of a text become."""
    folds: int = 5
    mixture: MixtureConfig = field(default_factory=MixtureConfig)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """N labelled queries as the learner reads them."""

    texts: Sequence[str]
    tasks: Sequence[str]
    embeddings: npt.NDArray[np.float32] | None
    """Unit length, (N, D); None to learn from n-grams alone."""
    targets: npt.NDArray[np.float32]
    """(N, M), NaN where there is no label."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """A fitted scorer, without its encoder."""

    projection: torch.Tensor
    table: SkillTable
    mixture: Mixture
    calibration: Calibration
    held_out_scores: Floats
    """Calibrated score of every example (N, M) by mixtures that had not seen it."""

    def scores(self, class_weights: Floats) -> Floats:
        """Returns the calibrated scores (N, M) of class weights (N, C)."""
        return calibrated(class_weights @ self.success, self.calibration)

    @property
    def success(self) -> Floats:
        """Chance that a model answers a query of a class well, (C, M)."""
        success: Floats = self.mixture.success.double().numpy()
        return success

    def class_weights(self, features: torch.Tensor) -> Floats:
        """Returns how much each query is of each class, (N, C)."""
        with torch.inference_mode():
            weights: Floats = self.mixture.log_weights(features).exp().double().numpy()
        return weights


def learn(examples: Examples, *, config: LearnerConfig, seed: int) -> Learned:
    """Fits everything; the seed decides all that is random."""
    bags = hash_all(examples.texts, config.buckets)
    projection = fit_projection(
        bags, buckets=config.buckets, width=config.projection_width, seed=seed
    )
    features = join_features(examples.embeddings, project_all(bags, projection))
    held_out = _held_out_scores(examples, features, config, seed)
    calibration = fit_calibration(logit(held_out), examples.targets)
    table, mixture = _fit(examples, features, np.arange(len(features)), config, seed)
    return Learned(
        projection=projection,
        table=table,
        mixture=mixture,
        calibration=calibration,
        held_out_scores=calibrated(held_out, calibration),
    )


def join_features(
    embeddings: npt.NDArray[np.float32] | None, projections: torch.Tensor
) -> torch.Tensor:
    """Returns the features (N, F) of unit-length embeddings and projections."""
    parts = [projections]
    if embeddings is not None:
        parts.insert(0, functional.normalize(torch.from_numpy(embeddings), dim=-1))
    return FEATURE_SCALE * torch.cat(parts, dim=1)


def calibrated(scores: Floats, calibration: Calibration) -> Floats:
    """Returns the calibrated scores."""
    return sigmoid(logit(scores) * calibration.slope + calibration.offset)


def _held_out_scores(
    examples: Examples, features: torch.Tensor, config: LearnerConfig, seed: int
) -> Floats:
    folds = np.array([fold_of(text, config.folds, seed) for text in examples.texts])
    scores = np.empty(examples.targets.shape, dtype=np.float64)
    for fold in np.unique(folds):
        table, mixture = _fit(examples, features, np.flatnonzero(folds != fold), config, seed)
        with torch.inference_mode():
            scores[folds == fold] = mixture(features[folds == fold]).double().numpy()
    return scores


def _fit(
    examples: Examples,
    features: torch.Tensor,
    rows: npt.NDArray[np.intp],
    config: LearnerConfig,
    seed: int,
) -> tuple[SkillTable, Mixture]:
    tasks = [examples.tasks[row] for row in rows]
    table = fit_skills(
        tasks, examples.targets[rows], max_classes=config.mixture.max_classes, seed=seed
    )
    mixture = fit_mixture(
        table,
        features[rows],
        skill_rows(tasks)[1],
        torch.from_numpy(examples.targets[rows]),
        config=config.mixture,
        seed=seed,
    )
    return table, mixture
