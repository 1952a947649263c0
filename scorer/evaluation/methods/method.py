"""The interface of a method: it fits on labelled queries and then scores unlabelled ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from scorer.runtime.team_rule import TEAM_SIZE

if TYPE_CHECKING:
    import numpy.typing as npt
    from numpy import float32, intp

    from scorer.evaluation.dataset import Dataset, Queries

    Floats = npt.NDArray[float32]

VALIDATION_FRACTION = 0.2
"""Share of the training data on which hyper-parameters are chosen."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MethodPrediction:
    """The predictions of a fitted method for N queries."""

    scores: Floats
    """Scores in [0, 1], (N, M)."""
    teams: npt.NDArray[intp] | None = None
    """Columns of the models that run together, (N, TEAM_SIZE); None for those with the best scores."""
    costs_usd: Floats | None = None
    """Expected dollars of each model's reply, (N, M); None for its mean in the training data."""

    def take(self, rows: npt.NDArray[intp]) -> MethodPrediction:
        """Returns the predictions for the given queries."""
        return MethodPrediction(
            scores=self.scores[rows],
            teams=None if self.teams is None else self.teams[rows],
            costs_usd=None if self.costs_usd is None else self.costs_usd[rows],
        )

    def joined(self, other: MethodPrediction) -> MethodPrediction:
        """Returns the predictions for the queries of both."""
        return MethodPrediction(
            scores=np.concatenate([self.scores, other.scores]),
            teams=_joined(self.teams, other.teams),
            costs_usd=_joined(self.costs_usd, other.costs_usd),
        )


class Predictor(Protocol):
    """A fitted method."""

    def predict(self, queries: Queries) -> Floats:
        """Returns a score in [0, 1] for every query and model, (N, M)."""
        ...


@runtime_checkable
class FullPredictor(Protocol):
    """A fitted method that also predicts teams, costs, or both."""

    def predict_all(self, queries: Queries, team_size: int) -> MethodPrediction:
        """Returns all predictions; teams have ``team_size`` models."""
        ...


class Method(Protocol):
    """A method of choosing models. Its ``repr`` holds every setting, since runs are kept by it."""

    @property
    def name(self) -> str:
        """Name in tables."""
        ...

    def fit(self, train: Dataset, *, seed: int) -> Predictor:
        """Fits the training data; the seed decides everything that is random."""
        ...


def prediction_of(predictor: Predictor, queries: Queries) -> MethodPrediction:
    """Returns all predictions of a fitted method."""
    if isinstance(predictor, FullPredictor):
        return predictor.predict_all(queries, TEAM_SIZE)
    return MethodPrediction(scores=predictor.predict(queries))


def _joined(
    first: npt.NDArray[Any] | None, second: npt.NDArray[Any] | None
) -> npt.NDArray[Any] | None:
    return None if first is None or second is None else np.concatenate([first, second])
