"""A multi-layer perceptron on the frozen embeddings. Needs torch.

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
from scorer.evaluation.methods.network import Network, Patience, label_loss, masked_loss, tensors

if TYPE_CHECKING:
    from scorer.evaluation.dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Perceptron:
    """Keeps the rate and the epoch with the lowest validation loss."""

    name: str = "mlp"
    width: int = 256
    dropout: float = 0.3
    batch_size: int = 64
    max_epochs: int = 100
    patience: int = 3
    learning_rates: tuple[float, ...] = (3e-4, 1e-3)
    weight_decay: float = 0.01

    def fit(self, train: Dataset, *, seed: int) -> Network:
        """Fits once per rate."""
        ours, held_out = train.split(validation_fraction=VALIDATION_FRACTION, seed=seed)
        torch.manual_seed(seed)
        fitted = [self._fitted(ours, held_out, rate) for rate in self.learning_rates]
        return Network(module=min(fitted, key=lambda pair: pair[1])[0])

    def _fitted(self, ours: Dataset, held_out: Dataset, rate: float) -> tuple[nn.Module, float]:
        embeddings, targets = tensors(ours)
        module = self._module(embeddings.shape[1], targets.shape[1])
        optimizer = torch.optim.AdamW(
            module.parameters(), lr=rate, weight_decay=self.weight_decay, fused=True
        )
        patience = Patience(module, self.patience)
        for _ in range(self.max_epochs):
            module.train()
            for rows in torch.randperm(len(embeddings)).split(self.batch_size):
                optimizer.zero_grad()
                masked_loss(module(embeddings[rows]), targets[rows]).backward()
                optimizer.step()
            if patience.is_over(label_loss(module, tensors(held_out))):
                break
        patience.restore()
        return module, patience.loss

    def _module(self, inputs: int, outputs: int) -> nn.Module:
        hidden = (nn.ReLU(), nn.Dropout(self.dropout))
        return nn.Sequential(
            nn.Linear(inputs, self.width),
            *hidden,
            nn.Linear(self.width, self.width),
            *hidden,
            nn.Linear(self.width, outputs),
        )
