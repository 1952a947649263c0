"""Labelled queries -> a calibrated mixture. Needs torch.

``texts -> n-gram projection, which may learn from an encoder -> features -> skills and classes
-> mixture -> familiarity -> calibration -> rule of the team``

Calibration and rule are found on what each fifth of the data got from the other four, so no record
has to be set aside for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from scorer.data.splits import fold_of
from scorer.measures.calibration import calibration_figures
from scorer.runtime.max_coverage import complementary_models
from scorer.runtime.team_rule import TEAM_SIZE, TeamRule, best_rule, team_columns
from scorer.training.calibrate import fit_calibration, logit
from scorer.training.mixture.distillation import distil
from scorer.training.mixture.mixture import LabelledFeatures, Mixture, fit_mixture
from scorer.training.mixture.out_of_distribution import Familiarity, fit_familiarity
from scorer.training.mixture.projection import fit_projection, project_all
from scorer.training.mixture.shrinkage import Anchor, class_ease, fit_anchor
from scorer.training.mixture.skills import SkillTable, fit_skills, skill_rows

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.training.mixture.examples import Examples
    from scorer.training.recipe import LearnerConfig

    Floats = npt.NDArray[np.float64]

FEATURE_SCALE = 3.0
"""Unit vectors times this: directions of length one then make logits of a useful size."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """A fitted scorer, without its encoder."""

    distilled: bool
    """Whether the n-grams have learned from an encoder, which then reads no query."""
    projection: torch.Tensor
    table: SkillTable
    mixture: Mixture
    familiarity: Familiarity
    anchor: Anchor
    """The calibration, and how far scores are drawn to their models' means."""
    team_rule: TeamRule
    """How the models that run together are best chosen."""

    def features(self, examples: Examples) -> torch.Tensor:
        """Returns what the mixture reads of queries, (N, F)."""
        return _read_features(examples, self.projection, with_embeddings=not self.distilled)

    def scores(self, features: torch.Tensor) -> Floats:
        """Returns the calibrated scores, (N, M)."""
        weights = self.class_weights(features)
        return self.anchor.scores(weights @ self.success, weights @ class_ease(self.success))

    def teams(self, features: torch.Tensor, count: int) -> npt.NDArray[np.intp]:
        """Returns the columns of ``count`` models per query that run together, (N, count)."""
        return team_columns(
            self.team_rule,
            class_weights=self.class_weights(features),
            success=self.success,
            scores=self.scores(features),
            count=count,
        )

    @property
    def success(self) -> Floats:
        """Chance that a model answers a query of a class well, (C, M)."""
        success: Floats = self.mixture.success.double().numpy()
        return success

    def class_weights(self, features: torch.Tensor) -> Floats:
        """Returns how much each query is of each class, (N, C)."""
        return self.familiarity.drawn(_class_weights(self.mixture, features), features)


def learn(
    examples: Examples, *, config: LearnerConfig, seed: int, distilled: bool = False
) -> Learned:
    """Fits everything; the seed decides all that is random.

    Args:
        examples: What to learn from.
        config: How.
        seed: Decides all that is random.
        distilled: Whether the embeddings only teach the n-grams, so that queries need none.
    """
    projection = fit_projection(
        examples.bags, buckets=config.ngram_buckets, width=config.projection_width, seed=seed
    )
    if distilled:
        projection, features = _distilled(examples, projection, config, seed)
    else:
        features = _read_features(examples, projection, with_embeddings=True)
    held_out = _best_held_out(examples, features, config, seed)
    anchor = _anchor(held_out, examples)
    table, mixture = _fit(
        examples,
        features,
        np.arange(len(features)),
        max_classes=config.max_classes,
        class_ridge=held_out.class_ridge,
        seed=seed,
    )
    return Learned(
        distilled=distilled,
        projection=projection,
        table=table,
        mixture=mixture,
        familiarity=fit_familiarity(
            features, _class_weights(mixture, features), examples.weights, seed=seed
        ),
        anchor=anchor,
        team_rule=best_rule(
            held_out.covering,
            anchor.scores(held_out.chances, held_out.eases),
            examples.targets,
            examples.weights,
        ),
    )


def _distilled(
    examples: Examples, projection: torch.Tensor, config: LearnerConfig, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the projection with what it learned of the encoder, and the features (N, F)."""
    if examples.embeddings is None:
        raise ValueError("there are no embeddings to learn from")
    found = distil(
        projection,
        examples.bags,
        examples.texts,
        examples.embeddings,
        width=config.distilled_width,
        folds=config.folds,
        seed=seed,
    )
    return found.table, FEATURE_SCALE * found.projections


def _read_features(
    examples: Examples, projection: torch.Tensor, *, with_embeddings: bool
) -> torch.Tensor:
    """Returns the features, (N, F)."""
    parts = [project_all(examples.bags, projection)]
    if examples.embeddings is not None and with_embeddings:
        parts.insert(0, functional.normalize(torch.from_numpy(examples.embeddings), dim=-1))
    return FEATURE_SCALE * torch.cat(parts, dim=1)


def _anchor(held_out: _HeldOut, examples: Examples) -> Anchor:
    targets, weights = examples.targets, examples.weights
    calibration = fit_calibration(logit(held_out.chances), targets, weights)
    return fit_anchor(calibration, held_out.chances, held_out.eases, targets, weights)


def _class_weights(mixture: Mixture, features: torch.Tensor) -> Floats:
    """Returns the class weights (N, C) as if no query were foreign."""
    with torch.inference_mode():
        weights: Floats = mixture.log_weights(features).exp().double().numpy()
    return weights


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _HeldOut:
    """What is said of each record by what was learned on the other folds."""

    class_ridge: float
    """The one with the smallest loss."""
    chances: Floats
    """Before calibration, (N, M)."""
    eases: Floats
    """(N,)."""
    covering: npt.NDArray[np.intp]
    """Teams of labelled models that cover one another, (N, TEAM_SIZE)."""


def _best_held_out(
    examples: Examples, features: torch.Tensor, config: LearnerConfig, seed: int
) -> _HeldOut:
    folds = np.array([fold_of(text, config.folds, seed) for text in examples.texts])
    found = [
        _held_out(
            examples,
            features,
            folds,
            max_classes=config.max_classes,
            class_ridge=ridge,
            seed=seed,
        )
        for ridge in config.class_ridges
    ]
    return min(found, key=lambda each: calibration_figures(each.chances, examples.targets).loss)


def _held_out(
    examples: Examples,
    features: torch.Tensor,
    folds: npt.NDArray[np.int64],
    *,
    max_classes: int,
    class_ridge: float,
    seed: int,
) -> _HeldOut:
    chances = np.empty(examples.targets.shape)
    eases = np.empty(len(chances))
    covering = np.empty((len(chances), TEAM_SIZE), dtype=np.intp)
    for fold in np.unique(folds):
        rows = folds == fold
        table, mixture = _fit(
            examples,
            features,
            np.flatnonzero(~rows),
            max_classes=max_classes,
            class_ridge=class_ridge,
            seed=seed,
        )
        class_weights = _class_weights(mixture, features[rows])
        with torch.inference_mode():
            chances[rows] = mixture(features[rows]).double().numpy()
        eases[rows] = class_weights @ class_ease(table.success)
        covering[rows] = complementary_models(
            class_weights,
            table.success,
            count=TEAM_SIZE,
            eligible=~np.isnan(examples.targets[rows]),
        )
    return _HeldOut(class_ridge=class_ridge, chances=chances, eases=eases, covering=covering)


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
