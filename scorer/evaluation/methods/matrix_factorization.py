"""RouteLLM's matrix factorization (Ong et al. 2024, arXiv 2406.18665), for N models. Needs torch.

``logit(m, q) = w . (unit(p_m) * W q)``, fitted on pairs of models with different scores on a query by
the logistic loss of the difference, with noise on the query embedding. Published for one pair per
query; here each epoch draws one of the query's pairs. Only differences between models are fitted, so
its scores rank but are not probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from scorer.evaluation.methods.method import VALIDATION_FRACTION
from scorer.evaluation.methods.network import EarlyStopping, Network, tensors

if TYPE_CHECKING:
    from scorer.evaluation.dataset import Dataset


class Factors(nn.Module):  # type: ignore[misc]  # torch is not followed by mypy here
    """One vector per model, a projection of the query, and weights for their products."""

    def __init__(self, inputs: int, models: int, width: int) -> None:
        super().__init__()
        self.models = nn.Embedding(models, width)
        self.projection = nn.Linear(inputs, width, bias=False)
        self.classifier = nn.Linear(width, 1, bias=False)

    def forward(self, queries: torch.Tensor) -> torch.Tensor:
        """Returns logits (B, M) for query features (B, D)."""
        vectors = functional.normalize(self.models.weight, dim=1) * self.classifier.weight
        return self.projection(queries) @ vectors.t()


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixFactorization:
    """Width, decay and batch as published; rate and noise chosen on a validation part."""

    name: str = "matrix_factorization"
    width: int = 128
    weight_decay: float = 1e-5
    batch_size: int = 64
    max_epochs: int = 100
    patience: int = 5
    settings: tuple[tuple[float, float], ...] = ((3e-4, 0.1), (3e-3, 0.1), (3e-3, 0.0))
    """Learning rate and noise; the first is the published one."""

    def fit(self, train: Dataset, *, seed: int) -> Network:
        """Keeps the setting and the epoch with the lowest validation loss over all pairs."""
        ours, held_out = train.split(validation_fraction=VALIDATION_FRACTION, seed=seed)
        torch.manual_seed(seed)
        fitted = [self._fitted(ours, held_out, *setting) for setting in self.settings]
        return Network(module=min(fitted, key=lambda pair: pair[1])[0])

    def _fitted(
        self, ours: Dataset, held_out: Dataset, rate: float, noise: float
    ) -> tuple[nn.Module, float]:
        features, targets = tensors(ours)
        module = Factors(features.shape[1], targets.shape[1], self.width)
        optimizer = torch.optim.Adam(
            module.parameters(), lr=rate, weight_decay=self.weight_decay, fused=True
        )
        stopping = EarlyStopping(module, self.patience)
        for _ in range(self.max_epochs):
            rows, winners, losers = draw_pairs(targets)
            for batch in torch.randperm(len(rows)).split(self.batch_size):
                queries = features[rows[batch]]
                logits = module(queries + noise * torch.randn_like(queries))
                won = logits.gather(1, winners[batch, None])
                lost = logits.gather(1, losers[batch, None])
                optimizer.zero_grad()
                functional.softplus(lost - won).mean().backward()
                optimizer.step()
            if stopping.is_due(_pair_loss(module, held_out)):
                break
        stopping.restore()
        return module, stopping.loss


def draw_pairs(targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Returns one pair of models for every query whose models differ: rows, winners, losers."""
    differs = _differs(targets).flatten(1)  # (N, M * M)
    rows = torch.nonzero(differs.any(dim=1))[:, 0]
    pairs = torch.multinomial(differs[rows].float(), 1)[:, 0]
    models = targets.shape[1]
    return rows, pairs.div(models, rounding_mode="floor"), pairs.remainder(models)


def _differs(targets: torch.Tensor) -> torch.Tensor:
    """Returns True where model i scored above model j, (N, M, M); False without both labels."""
    return targets[:, :, None] > targets[:, None, :]


def _pair_loss(module: nn.Module, data: Dataset) -> float:
    features, targets = tensors(data)
    with torch.inference_mode():
        logits = module(features)
        losses = functional.softplus(logits[:, None, :] - logits[:, :, None])
        return float(losses[_differs(targets)].mean())
