"""Features of a query -> how much it is of each response class -> a score per model. Needs torch.

``features (B, F) -> class weights (B, C) = softmax -> scores (B, M) = class weights @ success``

A mixture of experts (Jacobs et al. 1991) whose experts are constants: the response classes. It is
fitted by the likelihood of the labels. A class leans on its skill's direction, which many queries
share, and departs from it only as far as the labels insist.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from scorer.progress import track

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from scorer.training.mixture.skills import SkillTable

BATCH_SIZE = 512
EPOCHS = 25
MIN_STEPS = 300
LEARNING_RATE = 0.02

SKILL_RIDGE = 0.05
"""Weight of the squared skill directions against the loss of one query."""

LABELS_PER_QUERY = 4.0
"""Models fail together, so M labels of a query tell less than M would; they count as this many."""


class Mixture(nn.Module):  # type: ignore[misc]  # torch is not followed by mypy here
    """Skills, their response classes, and the directions in which queries of each lie."""

    def __init__(self, table: SkillTable, width: int) -> None:
        super().__init__()
        self.register_buffer("skill_of_class", torch.from_numpy(table.skill_of_class))
        self.register_buffer("success", torch.as_tensor(table.success, dtype=torch.float32))
        self.skills = nn.Linear(width, len(table.skills))
        nn.init.zeros_(self.skills.weight)
        nn.init.zeros_(self.skills.bias)
        self.departures = nn.Parameter(torch.zeros(len(table.shares), width))
        self.offsets = nn.Parameter(torch.as_tensor(table.shares, dtype=torch.float32).log())

    def log_weights(self, features: torch.Tensor) -> torch.Tensor:
        """Returns the logarithms of the class weights, (B, C), of features (B, F)."""
        skills = self.skills(features)[:, self.skill_of_class]
        logits = skills + features @ self.departures.t() + self.offsets
        return functional.log_softmax(logits, dim=-1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Returns the scores (B, M) of features (B, F)."""
        return self.log_weights(features).exp() @ self.success

    def folded(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the one weight (F, C) and bias (C,) that give the same logits."""
        weight = self.skills.weight[self.skill_of_class] + self.departures
        return weight.t().contiguous(), self.skills.bias[self.skill_of_class] + self.offsets


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledFeatures:
    """N queries as the mixture is fitted to them."""

    features: torch.Tensor
    """(N, F)."""
    skills: npt.NDArray[np.int64]
    """The skill of each query, (N,)."""
    targets: torch.Tensor
    """(N, M), NaN where there is no label."""
    weights: torch.Tensor
    """How many queries each counts as, (N,)."""


def fit_mixture(
    table: SkillTable, data: LabelledFeatures, *, class_ridge: float, seed: int
) -> Mixture:
    """Fits the directions to the labels.

    Args:
        table: Skills and response classes of these queries.
        data: The queries.
        class_ridge: Weight of the squared departures of classes from their skill against the loss
            of one query.
        seed: Decides the order of the queries.
    """
    torch.manual_seed(seed)
    # The products are small: a second thread gains little, and on a busy machine threads that wait
    # for one another made the fit thirty times slower.
    with one_thread():
        return _fitted(Mixture(table, data.features.shape[1]), data, class_ridge)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Lets torch use one thread within the block."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _fitted(mixture: Mixture, data: LabelledFeatures, class_ridge: float) -> Mixture:
    features, weights = data.features, data.weights
    evidence = _evidence(mixture.success, data.targets)
    label_counts = (~torch.isnan(data.targets)).sum(1)
    own = mixture.skill_of_class[None] == torch.from_numpy(data.skills)[:, None]  # (N, C)
    optimizer = torch.optim.Adam(mixture.parameters(), lr=LEARNING_RATE)
    steps_per_epoch = math.ceil(len(features) / BATCH_SIZE)
    epochs = max(EPOCHS, math.ceil(MIN_STEPS / steps_per_epoch))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps_per_epoch)
    for _ in track(range(epochs), "Fitting the mixture"):
        for rows in torch.randperm(len(features)).split(BATCH_SIZE):
            log_weights = mixture.log_weights(features[rows])
            losses = _losses(log_weights, evidence[rows], own[rows], label_counts[rows])
            loss = (weights[rows] * losses).mean() + _penalty(mixture, class_ridge) / len(features)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    mixture.eval()
    return mixture


def _evidence(success: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Returns the log-likelihood of each query's labels in each class, (N, C)."""
    known = ~torch.isnan(targets)
    wins = torch.where(known, targets, 0.0)
    return wins @ success.log().t() + (known.float() - wins) @ torch.log1p(-success).t()


def _losses(
    log_weights: torch.Tensor,
    evidence: torch.Tensor,
    own: torch.Tensor,
    label_counts: torch.Tensor,
) -> torch.Tensor:
    """Returns the loss of each query: of naming its skill, and of explaining its labels."""
    skill = torch.logsumexp(log_weights.masked_fill(~own, -math.inf), dim=1)
    labels = torch.logsumexp(log_weights + evidence, dim=1) * LABELS_PER_QUERY / label_counts
    return -(skill + labels)


def _penalty(mixture: Mixture, class_ridge: float) -> torch.Tensor:
    skill_directions = mixture.skills.weight.square().sum()
    return SKILL_RIDGE * skill_directions + class_ridge * mixture.departures.square().sum()
