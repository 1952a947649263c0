"""Fits the network of the answer scorer to labelled answers, with soft targets. Needs torch.

Weights per model are deviations from shared ones, with a Gaussian prior at zero, so that a model with
few answers is scored as all are. In each batch some answers count as those of a model that is not
known, so that the shared weights alone are useful.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from scorer.answers.answer_model import MAX_DEVIATION, AnswerModel
from scorer.progress import track

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.training.answers.answer_examples import AnswerExamples

HIDDEN_UNITS = 96
PASSES = 5
"""Passes over the examples; more fit training answers better and held-out ones no better."""
MIN_STEPS = 400
"""Fewest steps, so that few examples are passed over more often."""
BATCH = 2048
RATE = 4e-3
WEIGHT_DECAY = 1e-4
MODEL_PENALTY = 3e-3
"""Weight of the squared deviations of a model, averaged over the models."""
UNKNOWN_SHARE = 0.1
"""Share of each batch that counts as of a model that is not known."""
DROPOUT = 0.2


class _Network(nn.Module):  # type: ignore[misc]  # torch publishes no types that mypy is shown
    """The network of ``AnswerModel``, before its clipped gain. The last row is the unknown model's."""

    def __init__(self, features: int, models: int) -> None:
        super().__init__()
        self.input = nn.Linear(features, HIDDEN_UNITS)
        self.prior_input = nn.Parameter(torch.zeros(HIDDEN_UNITS))
        self.output = nn.Parameter(torch.zeros(HIDDEN_UNITS))
        self.linear = nn.Parameter(torch.zeros(features))
        self.slope = nn.Parameter(torch.ones(()))
        self.bias = nn.Parameter(torch.zeros(()))
        self.by_model = nn.ParameterDict(
            {
                "hidden": nn.Parameter(torch.zeros(models + 1, HIDDEN_UNITS)),
                "linear": nn.Parameter(torch.zeros(models + 1, features)),
                "slope": nn.Parameter(torch.zeros(models + 1)),
                "bias": nn.Parameter(torch.zeros(models + 1)),
            }
        )
        self.unknown = models

    def forward(
        self, features: torch.Tensor, odds: torch.Tensor, models: torch.Tensor
    ) -> torch.Tensor:
        """Returns the logits (N,) of features (N, F)."""
        known = (models != self.unknown).to(features.dtype)
        ours = {name: values[models] for name, values in self.by_model.items()}
        dropped = functional.dropout(features, DROPOUT / 2, self.training)
        hidden = self.input(dropped) + odds[:, None] * self.prior_input
        hidden = functional.relu(hidden + known[:, None] * ours["hidden"])
        hidden = functional.dropout(hidden, DROPOUT, self.training)
        linear = features @ self.linear + known * (features * ours["linear"]).sum(1)
        slope = self.slope + known * ours["slope"]
        return hidden @ self.output + linear + slope * odds + self.bias + known * ours["bias"]

    def penalty(self) -> torch.Tensor:
        """Returns the penalty on the deviations of the models."""
        squares = sum(values[: self.unknown].square().sum() for values in self.by_model.values())
        return MODEL_PENALTY * squares / self.unknown


def learn_answers(examples: AnswerExamples, *, seed: int) -> AnswerModel:
    """Fits an answer scorer; the seed decides all that is random."""
    torch.manual_seed(seed)
    mean = examples.features.mean(axis=0)
    scale = examples.features.std(axis=0) + 1e-3
    standard = np.clip((examples.features - mean) / scale, -MAX_DEVIATION, MAX_DEVIATION)
    network = _Network(standard.shape[1], len(examples.model_ids))
    _fit(network, examples, standard.astype(np.float32), seed)
    return _answer_model(network.eval(), examples.model_ids, mean, scale)


def _fit(
    network: _Network, examples: AnswerExamples, standard: npt.NDArray[np.float32], seed: int
) -> None:
    count = len(standard)
    features = torch.from_numpy(standard)
    odds = torch.tensor(examples.odds, dtype=torch.float32)
    targets = torch.tensor(examples.targets, dtype=torch.float32)
    models = torch.from_numpy(examples.models)
    batch = min(BATCH, count)
    passes = max(PASSES, math.ceil(MIN_STEPS * batch / count))
    steps = passes * (count // batch)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    draw = torch.Generator().manual_seed(seed)
    network.train()
    for _ in track(range(passes), "Learning from answers"):
        order = torch.randperm(count, generator=draw)
        for rows in order[: count // batch * batch].split(batch):
            unknown = torch.rand(len(rows), generator=draw) < UNKNOWN_SHARE
            ours = torch.where(unknown, network.unknown, models[rows])
            logits = network(features[rows], odds[rows], ours)
            loss = functional.binary_cross_entropy_with_logits(logits, targets[rows])
            optimizer.zero_grad()
            (loss + network.penalty()).backward()
            optimizer.step()
            schedule.step()


def _answer_model(
    network: _Network,
    model_ids: tuple[str, ...],
    mean: npt.NDArray[np.floating],
    scale: npt.NDArray[np.floating],
) -> AnswerModel:
    def array(values: torch.Tensor) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = values.detach().numpy()
        return found

    deviations = {name: array(values) for name, values in network.by_model.items()}
    deviations = {name: values[: network.unknown] for name, values in deviations.items()}
    return AnswerModel(
        model_ids=model_ids,
        mean=mean,
        scale=scale,
        input=array(network.input.weight).T,
        prior_input=array(network.prior_input),
        hidden_bias=array(network.input.bias),
        hidden_bias_by_model=deviations["hidden"],
        output=array(network.output),
        linear=array(network.linear),
        linear_by_model=deviations["linear"],
        slope=array(network.slope) + np.append(deviations["slope"], 0),
        bias=array(network.bias) + np.append(deviations["bias"], 0),
        unknown_share=1.0,
    )
