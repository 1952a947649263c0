"""RouterDC (Chen et al. 2024) on features: a projection and one vector per model. Needs torch.

The published recipe trains the encoder; here a square matrix that starts as the identity replaces it,
and the learning rate is chosen on a validation part. Groups are k-means clusters of the features
(published: of their t-SNE).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from scorer.evaluation.methods.dual_contrastive_loss import group_loss, sample_model_loss
from scorer.evaluation.methods.method import VALIDATION_FRACTION
from scorer.evaluation.methods.network import Network
from scorer.measures.ranking import ranking_figures
from scorer.training.mixture.clusters import cluster

if TYPE_CHECKING:
    from scorer.evaluation.dataset import Dataset

ROWS_PER_TASK = 1000
MODEL_SPREAD = 0.78
"""Standard deviation of the first model vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The published settings, shared by both variants and the tuned encoder."""

    steps: int = 1000
    batch_size: int = 16
    top: int = 3
    last: int = 3
    negatives: int = 3
    clusters: int = 8
    cluster_weight: float = 1.0
    steps_per_check: int = 50


class Projection(nn.Module):  # type: ignore[misc]  # torch is not followed by mypy here
    """Cosines of projected queries and model vectors, over a temperature."""

    def __init__(self, inputs: int, models: int, temperature: float) -> None:
        super().__init__()
        self.projection = nn.Linear(inputs, inputs, bias=False)
        nn.init.eye_(self.projection.weight)
        self.models = nn.Parameter(MODEL_SPREAD * torch.randn(models, inputs))
        self.temperature = temperature

    def project(self, features: torch.Tensor) -> torch.Tensor:
        """Returns unit-length query vectors (B, D)."""
        return functional.normalize(self.projection(features), dim=1)

    def logits(self, vectors: torch.Tensor) -> torch.Tensor:
        """Returns logits (B, M) of unit-length query vectors (B, D)."""
        return vectors @ functional.normalize(self.models, dim=1).t() / self.temperature

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Returns logits (B, M) of features (B, D)."""
        return self.logits(self.project(features))


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterDC:
    """RouterDC as published, with its defects, or with them fixed.

    Fixed also means: batches are drawn from all rows, by the weights of the pool's average; the
    checkpoint is the best on the validation part, not on the training rows; the temperature is chosen.
    """

    name: str = "routerdc"
    as_published: bool = False
    recipe: Recipe = Recipe()
    temperatures: tuple[float, ...] = (0.1, 1.0)
    learning_rates: tuple[float, ...] = (5e-4, 5e-3)

    def fit(self, train: Dataset, *, seed: int) -> Network:
        """Fits once per temperature and learning rate; keeps the best on the validation part."""
        ours, held_out = train.split(validation_fraction=VALIDATION_FRACTION, seed=seed)
        torch.manual_seed(seed)
        clusters = torch.from_numpy(cluster(ours.features, self.recipe.clusters, seed=seed))
        fitted = [
            self._fitted(ours, held_out, clusters, temperature, rate)
            for temperature in self.temperatures
            for rate in self.learning_rates
        ]
        return max(fitted, key=lambda network: _gain(network, held_out))

    def _fitted(
        self,
        ours: Dataset,
        held_out: Dataset,
        clusters: torch.Tensor,
        temperature: float,
        rate: float,
    ) -> Network:
        features, labels = torch.from_numpy(ours.features), torch.from_numpy(ours.scores)
        module = Projection(features.shape[1], labels.shape[1], temperature)
        optimizer = torch.optim.AdamW(module.parameters(), lr=rate, fused=True)
        judge = ours if self.as_published else held_out
        best_gain, best = -1.0, module.state_dict()
        for step, rows in enumerate(batches(ours, self.recipe, as_published=self.as_published), 1):
            vectors = module.project(features[rows])
            optimizer.zero_grad()
            self.loss(module, vectors, labels[rows], clusters[rows]).backward()
            optimizer.step()
            if step % self.recipe.steps_per_check == 0:
                gain = _gain(Network(module=module), judge)
                if gain > best_gain:
                    best_gain, best = gain, copy.deepcopy(module.state_dict())
        module.load_state_dict(best)
        return Network(module=module)

    def loss(
        self,
        module: Projection,
        vectors: torch.Tensor,
        labels: torch.Tensor,
        clusters: torch.Tensor,
    ) -> torch.Tensor:
        """Returns the loss of a batch of unit-length query vectors (B, D)."""
        recipe = self.recipe
        models = labels.shape[1]
        ranked = sample_model_loss(
            module.logits(vectors),
            labels,
            top=min(recipe.top, models),
            last=min(recipe.last, models),
            as_published=self.as_published,
        )
        grouped = group_loss(
            vectors, clusters, negatives=recipe.negatives, as_published=self.as_published
        )
        return ranked + recipe.cluster_weight * grouped


def batches(data: Dataset, recipe: Recipe, *, as_published: bool) -> torch.Tensor:
    """Returns the rows of every step, (steps, batch).

    As published: the first 1,000 rows of each task, repeated where there are fewer, in random order.
    Fixed: drawn from all rows.
    """
    shape = (recipe.steps, recipe.batch_size)
    if not as_published:
        weights = torch.from_numpy(data.weights)
        return weights.multinomial(recipe.steps * recipe.batch_size, replacement=True).view(shape)
    tasks = np.array(data.tasks)
    rows = torch.from_numpy(
        np.concatenate(
            [np.resize(np.flatnonzero(tasks == task), ROWS_PER_TASK) for task in sorted(set(tasks))]
        )
    )
    passes = -(-recipe.steps * recipe.batch_size // len(rows))
    order = torch.cat([rows[torch.randperm(len(rows))] for _ in range(passes)])
    return order[: recipe.steps * recipe.batch_size].view(shape)


def _gain(network: Network, data: Dataset) -> float:
    return ranking_figures(network.predict(data), data.targets, data.weights).mean_score
