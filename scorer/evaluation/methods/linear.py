"""Logistic regression per model on features, ridge chosen on a validation part.

Needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from scorer.evaluation.methods.method import VALIDATION_FRACTION
from scorer.evaluation.methods.network import Network, label_loss, masked_loss, tensors

if TYPE_CHECKING:
    from scorer.evaluation.dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """Minimizes the cross-entropy over the labels plus ``ridge / 2`` times the squared weights."""

    name: str = "linear"
    ridges: tuple[float, ...] = (1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3)
    max_steps: int = 150

    def fit(self, train: Dataset, *, seed: int) -> Network:
        """Chooses the ridge by the validation loss, then fits all training queries."""
        ours, held_out = train.split(validation_fraction=VALIDATION_FRACTION, seed=seed)
        losses = {
            ridge: label_loss(self._fitted(ours, ridge), tensors(held_out)) for ridge in self.ridges
        }
        best = min(self.ridges, key=lambda ridge: losses[ridge])
        return Network(module=self._fitted(train, best))

    def _fitted(self, data: Dataset, ridge: float) -> nn.Module:
        features, targets = tensors(data)
        module = nn.Linear(features.shape[1], targets.shape[1])
        nn.init.zeros_(module.weight)
        nn.init.zeros_(module.bias)
        optimizer = torch.optim.LBFGS(
            module.parameters(), max_iter=self.max_steps, line_search_fn="strong_wolfe"
        )

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            # The loss is also a mean over models, so the ridge is divided by their number.
            penalty = ridge / 2 * module.weight.square().sum() / len(module.bias)
            loss: torch.Tensor = masked_loss(module(features), targets) + penalty
            loss.backward()
            return loss

        optimizer.step(closure)
        return module
