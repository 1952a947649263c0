"""Learns kinds of query, and how good each model is at each, from labelled queries. Needs torch.

``texts -> n-gram projection -> features -> kinds -> success of each model in each kind
-> calibration -> team rule``

The number of kinds, the calibration and the team rule are fitted to cross-validated scores (each fold
is scored by the labels of the others), so no record has to be set aside for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from scorer.data.splits import fold_of
from scorer.measures.calibration import calibration_figures
from scorer.progress import track
from scorer.runtime.max_coverage import complementary_models
from scorer.runtime.team_rule import TEAM_SIZE, TeamRule, team_columns
from scorer.training.calibrate import Calibration, fit_calibration, logit
from scorer.training.mixture.kinds import Kinds, find_kinds
from scorer.training.mixture.projection import fit_projection, project_all
from scorer.training.mixture.success import Tally
from scorer.training.mixture.team_rule_choice import best_rule

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.training.mixture.examples import Examples
    from scorer.training.recipe import LearnerConfig

    Features = npt.NDArray[np.float32]
    Floats = npt.NDArray[np.float64]

KIND_COUNTS = (16, 32, 64)
"""The numbers of kinds that are tried; the one with the smallest cross-validated loss is taken."""

FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """A fitted scorer, without its encoder."""

    projection: torch.Tensor
    kinds: Kinds
    success: Floats
    """Chance that a model answers a query of a kind well, (K, M)."""
    calibration: Calibration
    team_rule: TeamRule

    def features(self, examples: Examples) -> Features:
        """Returns the features of queries, (N, F)."""
        return unit_features(examples, self.projection)

    def class_weights(self, features: Features) -> Floats:
        """Returns the share of each query in each kind, (N, K)."""
        return self.kinds.class_weights(features)

    def scores(self, features: Features) -> Floats:
        """Returns the calibrated scores, (N, M)."""
        return self.calibration.scores(self.class_weights(features) @ self.success)

    def teams(self, features: Features, count: int) -> npt.NDArray[np.intp]:
        """Returns the columns of ``count`` models per query that run together, (N, count)."""
        return team_columns(
            self.team_rule,
            class_weights=self.class_weights(features),
            success=self.success,
            scores=self.scores(features),
            count=count,
        )


def learn(examples: Examples, *, config: LearnerConfig, seed: int) -> Learned:
    """Fits all parts of a scorer but its encoder; the seed decides all that is random."""
    projection = fit_projection(
        examples.bags, buckets=config.ngram_buckets, width=config.projection_width, seed=seed
    )
    features = unit_features(examples, projection)
    folds = np.array([fold_of(text, FOLDS, seed) for text in examples.texts])
    found = [
        _held_out(
            examples, features, find_kinds(features, examples.weights, count, seed=seed), folds
        )
        for count in track(KIND_COUNTS, "Looking for kinds of query")
    ]
    best = min(found, key=lambda each: calibration_figures(each.chances, examples.targets).loss)
    calibration = fit_calibration(logit(best.chances), examples.targets, examples.weights)
    return Learned(
        projection=projection,
        kinds=best.kinds,
        success=best.tally.success(),
        calibration=calibration,
        team_rule=best_rule(
            best.covering, calibration.scores(best.chances), examples.targets, examples.weights
        ),
    )


def unit_features(examples: Examples, projection: torch.Tensor) -> Features:
    """Returns the features of queries, unit length, (N, F)."""
    parts = [project_all(examples.bags, projection)]
    if examples.embeddings is not None:
        parts.insert(0, torch.from_numpy(examples.embeddings))
    features: Features = functional.normalize(torch.cat(parts, dim=1), dim=-1).numpy()
    return features


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _HeldOut:
    """Cross-validated predictions: each record is predicted by the labels of the other folds."""

    kinds: Kinds
    tally: Tally
    """All labels."""
    chances: Floats
    """Scores before calibration, (N, M)."""
    covering: npt.NDArray[np.intp]
    """Teams of labelled models by the rule ``COVERING``, (N, TEAM_SIZE)."""


def _held_out(
    examples: Examples, features: Features, kinds: Kinds, folds: npt.NDArray[np.int64]
) -> _HeldOut:
    class_weights, targets = kinds.class_weights(features), examples.targets
    counted = class_weights * examples.weights[:, None]
    tally = Tally.of(counted, targets)
    chances = np.empty(targets.shape)
    covering = np.empty((len(chances), TEAM_SIZE), dtype=np.intp)
    for fold in np.unique(folds):
        rows = folds == fold
        success = tally.without(Tally.of(counted[rows], targets[rows])).success()
        chances[rows] = class_weights[rows] @ success
        covering[rows] = complementary_models(
            class_weights[rows], success, count=TEAM_SIZE, eligible=~np.isnan(targets[rows])
        )
    return _HeldOut(kinds=kinds, tally=tally, chances=chances, covering=covering)
