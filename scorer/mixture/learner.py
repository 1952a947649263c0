"""Labelled queries -> a calibrated mixture. Needs torch.

``texts -> n-gram projection -> features -> skills and classes -> mixture -> familiarity
-> calibration``

The calibration is fitted on scores that each fifth of the data got from the other four, so no record
has to be set aside for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from scorer.calibrate import Calibration, fit_calibration, logit, sigmoid
from scorer.data.splits import fold_of
from scorer.measures.calibration import calibration_figures
from scorer.mixture.familiarity import Familiarity, fit_familiarity
from scorer.mixture.first_choices import best_candidate
from scorer.mixture.mixture import LabelledFeatures, Mixture, fit_mixture
from scorer.mixture.projection import fit_projection, project_all
from scorer.mixture.skills import SkillTable, fit_skills, skill_rows

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.config import LearnerConfig
    from scorer.mixture.examples import Examples

    Floats = npt.NDArray[np.float64]

FEATURE_SCALE = 3.0
"""Unit vectors times this: directions of length one then make logits of a useful size."""

ANCHOR_SHARES = (0.0, 0.25, 0.5, 0.75)
"""How far scores may be drawn towards their models' means."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """A fitted scorer, without its encoder."""

    projection: torch.Tensor
    table: SkillTable
    mixture: Mixture
    familiarity: Familiarity
    calibration: Calibration

    def scores(self, features: torch.Tensor) -> Floats:
        """Returns the calibrated scores, (N, M)."""
        return calibrated(self.class_weights(features) @ self.success, self.calibration)

    @property
    def success(self) -> Floats:
        """Chance that a model answers a query of a class well, (C, M)."""
        success: Floats = self.mixture.success.double().numpy()
        return success

    def class_weights(self, features: torch.Tensor) -> Floats:
        """Returns how much each query is of each class, (N, C)."""
        return self.familiarity.drawn(_class_weights(self.mixture, features), features)


def learn(examples: Examples, *, config: LearnerConfig, seed: int) -> Learned:
    """Fits everything; the seed decides all that is random."""
    projection = fit_projection(
        examples.bags, buckets=config.ngram_buckets, width=config.projection_width, seed=seed
    )
    features = read_features(examples, projection)
    held_out, class_ridge = _held_out_chances(examples, features, config, seed)
    calibration = anchored(
        fit_calibration(logit(held_out), examples.targets, examples.weights), held_out, examples
    )
    table, mixture = _fit(
        examples,
        features,
        np.arange(len(features)),
        max_classes=config.max_classes,
        class_ridge=class_ridge,
        seed=seed,
    )
    return Learned(
        projection=projection,
        table=table,
        mixture=mixture,
        familiarity=fit_familiarity(
            features, _class_weights(mixture, features), examples.weights, seed=seed
        ),
        calibration=calibration,
    )


def read_features(examples: Examples, projection: torch.Tensor) -> torch.Tensor:
    """Returns the features, (N, F)."""
    parts = [project_all(examples.bags, projection)]
    if examples.embeddings is not None:
        parts.insert(0, functional.normalize(torch.from_numpy(examples.embeddings), dim=-1))
    return FEATURE_SCALE * torch.cat(parts, dim=1)


def anchored(calibration: Calibration, scores: Floats, examples: Examples) -> Calibration:
    """Draws every score towards its model's mean, as far as the first choices become better by it.

    Where queries hardly tell which model is best, choosing by query chases noise, and loses to always
    taking the model that is best on average.

    Args:
        calibration: Of ``scores``.
        scores: Held-out scores before calibration, (N, M).
        examples: Their labels.
    """
    model_means = np.average(
        np.where(np.isnan(examples.targets), scores, examples.targets),
        axis=0,
        weights=examples.weights,
    )
    candidates = [
        Calibration(
            slope=(1 - share) * calibration.slope,
            offset=(1 - share) * calibration.offset + share * logit(model_means),
        )
        for share in ANCHOR_SHARES
    ]
    found = [calibrated(scores, each) for each in candidates]
    return candidates[best_candidate(found, examples.targets, examples.weights)]


def calibrated(scores: Floats, calibration: Calibration) -> Floats:
    """Returns the calibrated scores."""
    return sigmoid(logit(scores) * calibration.slope + calibration.offset)


def _class_weights(mixture: Mixture, features: torch.Tensor) -> Floats:
    """Returns the class weights (N, C) as if no query were foreign."""
    with torch.inference_mode():
        weights: Floats = mixture.log_weights(features).exp().double().numpy()
    return weights


def _held_out_chances(
    examples: Examples,
    features: torch.Tensor,
    config: LearnerConfig,
    seed: int,
) -> tuple[Floats, float]:
    """Returns each example's score by what was learned on the other folds, and the best ridge."""
    folds = np.array([fold_of(text, config.folds, seed) for text in examples.texts])
    scores = {ridge: np.empty(examples.targets.shape) for ridge in config.class_ridges}
    for fold in np.unique(folds):
        ours = np.flatnonzero(folds != fold)
        for ridge in config.class_ridges:
            _, mixture = _fit(
                examples,
                features,
                ours,
                max_classes=config.max_classes,
                class_ridge=ridge,
                seed=seed,
            )
            with torch.inference_mode():
                scores[ridge][folds == fold] = mixture(features[folds == fold]).double().numpy()
    best = min(
        config.class_ridges,
        key=lambda ridge: calibration_figures(scores[ridge], examples.targets).loss,
    )
    return scores[best], best


def _fit(
    examples: Examples,
    features: torch.Tensor,
    rows: npt.NDArray[np.intp],
    *,
    max_classes: int,
    class_ridge: float,
    seed: int,
) -> tuple[SkillTable, Mixture]:
    tasks = [examples.tasks[row] for row in rows]
    targets, weights = examples.targets[rows], examples.weights[rows]
    table = fit_skills(tasks, targets, weights, max_classes=max_classes, seed=seed)
    data = LabelledFeatures(
        features=features[rows],
        skills=skill_rows(tasks)[1],
        targets=torch.from_numpy(targets),
        weights=torch.from_numpy(weights).float(),
    )
    return table, fit_mixture(table, data, class_ridge=class_ridge, seed=seed)
