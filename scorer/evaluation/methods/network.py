"""A torch module on features, its losses and early stopping. Needs torch."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    import numpy.typing as npt
    from numpy import float32
    from torch import nn

    from scorer.evaluation.dataset import Dataset, Queries


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Network:
    """Predicts with a module that maps features (N, D) to logits (N, M)."""

    module: nn.Module

    def predict(self, queries: Queries) -> npt.NDArray[float32]:
        """Returns the sigmoid of the logits, (N, M)."""
        self.module.eval()
        with torch.inference_mode():
            scores: npt.NDArray[float32] = torch.sigmoid(
                self.module(torch.from_numpy(queries.features))
            ).numpy()
        return scores


class EarlyStopping:
    """Keeps a module's best state and ends the fit when the loss no longer falls."""

    def __init__(self, module: nn.Module, checks: int) -> None:
        self._module = module
        self._checks = checks
        self._left = checks
        self._best = copy.deepcopy(module.state_dict())
        self.loss = float("inf")
        """The lowest loss so far."""

    def is_due(self, loss: float) -> bool:
        """Records the module's current loss; returns whether to stop."""
        self._left -= 1
        if loss < self.loss:
            self.loss, self._left = loss, self._checks
            self._best = copy.deepcopy(self._module.state_dict())
        return self._left <= 0

    def restore(self) -> None:
        """Restores the module's best state."""
        self._module.load_state_dict(self._best)


def tensors(data: Dataset) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns features (N, D) and targets (N, M)."""
    return torch.from_numpy(data.features), torch.from_numpy(data.targets)


def masked_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Returns the mean cross-entropy over the labels; NaN in ``targets`` is no label."""
    labelled = ~torch.isnan(targets)
    return functional.binary_cross_entropy_with_logits(logits[labelled], targets[labelled])


def label_loss(module: nn.Module, data: tuple[torch.Tensor, torch.Tensor]) -> float:
    """Returns the mean cross-entropy of a module's logits over the labels."""
    module.eval()
    with torch.inference_mode():
        return float(masked_loss(module(data[0]), data[1]))
