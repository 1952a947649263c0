"""This project's own method: kinds of query, found in n-grams and embeddings. Needs torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from scorer.evaluation.methods.method import MethodPrediction
from scorer.training.mixture.amounts import amounts_by_class
from scorer.training.mixture.examples import make_examples
from scorer.training.mixture.learner import learn
from scorer.training.recipe import LearnerConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.evaluation.dataset import Dataset, Queries
    from scorer.training.embedding_cache import EmbeddingCache
    from scorer.training.mixture.examples import Examples
    from scorer.training.mixture.learner import Learned


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteMoA:
    """The method of the shipped artifacts; with an encoder, that of the base tier. It reads no task."""

    name: str = "routemoa"
    encoder: EmbeddingCache | None = None
    """Embeddings that all methods read; None for n-grams alone."""
    config: LearnerConfig = field(default_factory=LearnerConfig)

    def fit(self, train: Dataset, *, seed: int) -> MixturePredictor:
        """Learns kinds, success and calibration."""
        found = self.examples(train, train.targets, train.weights * len(train))
        learned = learn(found, config=self.config, seed=seed)
        class_costs = None
        if train.costs_usd is not None:
            weights = learned.class_weights(learned.features(found))
            class_costs = amounts_by_class(weights, train.costs_usd)
        return MixturePredictor(method=self, learned=learned, class_costs_usd=class_costs)

    def examples(
        self, queries: Queries, targets: npt.NDArray[np.float32], weights: npt.NDArray[np.float64]
    ) -> Examples:
        """Returns queries as examples of the learner."""
        return make_examples(
            queries.texts,
            targets=targets,
            weights=weights,
            ngram_buckets=self.config.ngram_buckets,
            embeddings=self.encoder,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixturePredictor:
    """A fitted learner."""

    method: RouteMoA
    learned: Learned
    class_costs_usd: npt.NDArray[np.float64] | None
    """Expected dollars of each model's reply in each kind, (K, M)."""

    def predict(self, queries: Queries) -> npt.NDArray[np.float32]:
        """Returns the calibrated scores, (N, M)."""
        return self.learned.scores(self._features(queries)).astype(np.float32)

    def predict_all(self, queries: Queries, team_size: int) -> MethodPrediction:
        """Returns the scores, the teams, and costs if any were learned."""
        features = self._features(queries)
        weights = self.learned.class_weights(features)
        costs = None
        if self.class_costs_usd is not None:
            costs = (weights @ self.class_costs_usd).astype(np.float32)
        return MethodPrediction(
            scores=self.learned.scores(features).astype(np.float32),
            teams=self.learned.teams(features, team_size),
            costs_usd=costs,
        )

    def _features(self, queries: Queries) -> npt.NDArray[np.float32]:
        # Features need no label; the type of examples asks for targets and weights.
        nothing = np.empty((len(queries), 0), dtype=np.float32)
        found = self.method.examples(queries, nothing, np.ones(len(queries)))
        return self.learned.features(found)
