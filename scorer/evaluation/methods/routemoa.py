"""Our own method: a mixture of response classes on embeddings and n-grams. Needs torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scorer.evaluation.methods.method import Prediction
from scorer.runtime import max_coverage as complement
from scorer.runtime import ngrams
from scorer.runtime import team_rule as team
from scorer.training import calibrate
from scorer.training.mixture import (
    amounts,
    classes,
    clusters,
    distillation,
    examples,
    learner,
    mixture,
    projection,
    skills,
)
from scorer.training.mixture import out_of_distribution as familiarity
from scorer.training.mixture import shrinkage as anchor
from scorer.training.mixture import significance as candidates
from scorer.training.mixture.amounts import amounts_by_class
from scorer.training.mixture.examples import make_examples
from scorer.training.mixture.learner import learn
from scorer.training.recipe import LearnerConfig

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch

    from scorer.evaluation.dataset import Dataset, Queries
    from scorer.training.embedding_cache import EmbeddingCache
    from scorer.training.mixture.examples import Examples
    from scorer.training.mixture.learner import Learned


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteMoA:
    """The method of the shipped artifacts; one that is distilled is that of the edge tier."""

    name: str = "routemoa"
    encoder: EmbeddingCache | None = field(default=None, repr=False)
    """Of the base tier's own encoder, which has fewer layers than the other methods'."""
    distilled: bool = False
    """Whether the encoder only teaches the n-grams."""
    config: LearnerConfig = field(default_factory=LearnerConfig)
    code: ClassVar[tuple[str, ...]] = (
        learner.__name__,
        distillation.__name__,
        examples.__name__,
        anchor.__name__,
        candidates.__name__,
        team.__name__,
        familiarity.__name__,
        clusters.__name__,
        mixture.__name__,
        classes.__name__,
        skills.__name__,
        projection.__name__,
        amounts.__name__,
        complement.__name__,
        calibrate.__name__,
        ngrams.__name__,
    )
    """The modules that decide what is learned and predicted."""

    def fit(self, train: Dataset, *, seed: int) -> MixturePredictor:
        """Learns skills, response classes, mixture and calibration; nothing is chosen by hand."""
        found = self.examples(train, train.targets, train.weights * len(train))
        learned = learn(found, config=self.config, seed=seed, distilled=self.distilled)
        class_costs = None
        if train.costs_usd is not None:
            weights = learned.class_weights(learned.features(found))
            class_costs = amounts_by_class(weights, train.costs_usd)
        return MixturePredictor(method=self, learned=learned, class_costs_usd=class_costs)

    def examples(
        self, queries: Queries, targets: npt.NDArray[np.float32], weights: npt.NDArray[np.float64]
    ) -> Examples:
        """Returns queries as the learner reads them."""
        return make_examples(
            queries.texts,
            queries.tasks,
            targets=targets,
            weights=weights,
            ngram_buckets=self.config.ngram_buckets,
            embeddings=self.encoder,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixturePredictor:
    """A fitted mixture."""

    method: RouteMoA
    learned: Learned
    class_costs_usd: npt.NDArray[np.float64] | None
    """Expected dollars of each model's reply in each class, (C, M)."""

    def predict(self, queries: Queries) -> npt.NDArray[np.float32]:
        """Returns the calibrated scores, (N, M)."""
        return self.learned.scores(self._features(queries)).astype(np.float32)

    def predict_all(self, queries: Queries, team_size: int) -> Prediction:
        """Returns the scores, the models to run together, and costs if any were learned."""
        features = self._features(queries)
        weights = self.learned.class_weights(features)
        costs = None
        if self.class_costs_usd is not None:
            costs = (weights @ self.class_costs_usd).astype(np.float32)
        return Prediction(
            scores=self.learned.scores(features).astype(np.float32),
            teams=self.learned.teams(features, team_size),
            costs_usd=costs,
        )

    def _features(self, queries: Queries) -> torch.Tensor:
        # No label is read: targets and weights are only what the type asks for.
        nothing = np.empty((len(queries), 0), dtype=np.float32)
        found = self.method.examples(queries, nothing, np.ones(len(queries)))
        return self.learned.features(found)
