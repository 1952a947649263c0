"""Learns kinds of query, and how good each model is at each, from labelled queries. Needs torch.

``texts -> n-gram projection -> features -> kinds -> success of each model in each kind
-> calibration -> team rule``

The number of kinds, the calibration and the team rule are fitted to cross-validated scores (each fold
is scored by the labels of the others), so no record has to be set aside for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from scorer.data.splits import fold_of
from scorer.measures.ranking import ranking_figures
from scorer.progress import track
from scorer.runtime.max_coverage import complementary_models
from scorer.runtime.team_rule import TEAM_SIZE, TeamRule, team_columns
from scorer.training.calibrate import Calibration, fit_calibration, logit
from scorer.training.mixture.classes import Patterns, best_rule, find_patterns
from scorer.training.mixture.kinds import Kinds, find_kinds
from scorer.training.mixture.projection import fit_projection, project_all
from scorer.training.mixture.success import success_by_kind

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.training.mixture.examples import Examples
    from scorer.training.recipe import LearnerConfig

    Features = npt.NDArray[np.float32]
    Floats = npt.NDArray[np.float64]

KIND_COUNTS = (16, 32, 64)
"""The numbers of kinds that are tried; the one with the best cross-validated first choices is taken."""

FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """A fitted scorer, without its encoder."""

    projection: torch.Tensor
    kinds: Kinds
    patterns: Patterns
    success: Floats
    """Chance that a model answers a query of a class well, (C, M); a kind's classes side by side."""
    calibration: Calibration
    team_rule: TeamRule

    def features(self, examples: Examples) -> Features:
        """Returns the features of queries, (N, F)."""
        return unit_features(examples, self.projection)

    def class_weights(self, features: Features) -> Floats:
        """Returns the share of each query in each class, (N, C)."""
        return self.patterns.split_weights(self.kinds.shares(features))

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
    targets, weights = examples.targets, examples.weights
    folds = np.array([fold_of(text, FOLDS, seed) for text in examples.texts])
    found = []
    for count in track(KIND_COUNTS, "Looking for kinds of query"):
        kinds = find_kinds(features, weights, count, seed=seed)
        held_out = HeldOut.of(kinds.shares(features), examples, folds)
        first_choices = ranking_figures(held_out.chances, targets, weights).mean_score
        found.append((first_choices, kinds, held_out))
    _, kinds, held_out = max(found, key=itemgetter(0))
    patterns = find_patterns(held_out.chances, targets, seed=seed)
    calibration = fit_calibration(logit(held_out.chances), targets, weights)
    return Learned(
        projection=projection,
        kinds=kinds,
        patterns=patterns,
        success=patterns.split(success_by_kind(held_out.shares * weights[:, None], targets)),
        calibration=calibration,
        team_rule=best_rule(
            held_out.covering(patterns, targets),
            calibration.scores(held_out.chances),
            targets,
            weights,
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
class HeldOut:
    """Cross-validated predictions: each record is predicted by the labels of the other folds."""

    shares: Floats
    """Share of each query in each kind, (N, K)."""
    folds: tuple[tuple[npt.NDArray[np.bool_], Floats], ...]
    """The rows of each fold, and the success (K, M) by the labels of the others."""
    chances: Floats
    """Scores before calibration, (N, M)."""

    @classmethod
    def of(cls, shares: Floats, examples: Examples, folds: npt.NDArray[np.int64]) -> HeldOut:
        """Predicts the rows of each fold, (N,), by their shares in each kind, (N, K)."""
        targets, counted = examples.targets, shares * examples.weights[:, None]
        chances, parts = np.empty(targets.shape), []
        for rows in (folds == fold for fold in np.unique(folds)):
            success = success_by_kind(counted[~rows], targets[~rows])
            chances[rows] = shares[rows] @ success
            parts.append((rows, success))
        return cls(shares=shares, folds=tuple(parts), chances=chances)

    def covering(
        self, patterns: Patterns, targets: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.intp]:
        """Returns teams of labelled models by the rule ``COVERING``, (N, TEAM_SIZE)."""
        teams = np.empty((len(targets), TEAM_SIZE), dtype=np.intp)
        for rows, success in self.folds:
            teams[rows] = complementary_models(
                patterns.split_weights(self.shares[rows]),
                patterns.split(success),
                count=TEAM_SIZE,
                eligible=~np.isnan(targets[rows]),
            )
        return teams
