"""A multi-layer perceptron on features. Needs torch.

Three linear layers with dropout 0.3, as in RouteMoA's code and LLMRouter; their learning rate of 1e-5
and their focal loss are for a trained encoder, so rate and stopping are chosen here on a validation
part, and the loss is the cross-entropy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from scorer.evaluation.methods.method import VALIDATION_FRACTION
from scorer.evaluation.methods.network import (
    EarlyStopping,
    Network,
    label_loss,
    masked_loss,
    tensors,
)

if TYPE_CHECKING:
    from scorer.evaluation.dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Perceptron:
    """A perceptron; the learning rate and the epoch with the lowest validation loss are kept."""

    name: str = "mlp"
    width: int = 256
    dropout: float = 0.3
    batch_size: int = 64
    max_epochs: int = 100
    patience: int = 3
    learning_rates: tuple[float, ...] = (3e-4, 1e-3)
    weight_decay: float = 0.01

    def fit(self, train: Dataset, *, seed: int) -> Network:
        """Fits once per learning rate."""
        ours, held_out = train.split(validation_fraction=VALIDATION_FRACTION, seed=seed)
        torch.manual_seed(seed)
        fitted = [self._fitted(ours, held_out, rate) for rate in self.learning_rates]
        return Network(module=min(fitted, key=lambda pair: pair[1])[0])

    def _fitted(self, ours: Dataset, held_out: Dataset, rate: float) -> tuple[nn.Module, float]:
        features, targets = tensors(ours)
        module = self._module(features.shape[1], targets.shape[1])
        optimizer = torch.optim.AdamW(
            module.parameters(), lr=rate, weight_decay=self.weight_decay, fused=True
        )
        stopping = EarlyStopping(module, self.patience)
        for _ in range(self.max_epochs):
            module.train()
            for rows in torch.randperm(len(features)).split(self.batch_size):
                optimizer.zero_grad()
                masked_loss(module(features[rows]), targets[rows]).backward()
                optimizer.step()
            if stopping.is_due(label_loss(module, tensors(held_out))):
                break
        stopping.restore()
        return module, stopping.loss

    def _module(self, inputs: int, outputs: int) -> nn.Module:
        hidden = (nn.ReLU(), nn.Dropout(self.dropout))
        return nn.Sequential(
            nn.Linear(inputs, self.width),
            *hidden,
            nn.Linear(self.width, self.width),
            *hidden,
            nn.Linear(self.width, outputs),
        )
