"""What every method is: something that fits on labelled queries and then scores unlabelled ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from scorer.runtime.team_rule import TEAM_SIZE

if TYPE_CHECKING:
    import numpy.typing as npt
    from numpy import float32, intp

    from scorer.evaluation.dataset import Dataset, Queries

    Floats = npt.NDArray[float32]

VALIDATION_FRACTION = 0.2
"""Share of the training data that hyper-parameters are chosen on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """What a fitted method says about N queries."""

    scores: Floats
    """Score in [0, 1] of every model, (N, M)."""
    teams: npt.NDArray[intp] | None = None
    """Columns of the models to run together, (N, TEAM_SIZE); None for those with the best scores."""
    costs_usd: Floats | None = None
    """Expected dollars of every model's reply, (N, M); None for each model's mean in training."""

    def take(self, rows: npt.NDArray[intp]) -> Prediction:
        """Returns what is said about the given queries."""
        return Prediction(
            scores=self.scores[rows],
            teams=None if self.teams is None else self.teams[rows],
            costs_usd=None if self.costs_usd is None else self.costs_usd[rows],
        )


class Predictor(Protocol):
    """A fitted method."""

    def predict(self, queries: Queries) -> Floats:
        """Returns a score in [0, 1] for every query and model, (N, M)."""
        ...


@runtime_checkable
class FullPredictor(Protocol):
    """A fitted method that knows more than scores: teams, costs, or both."""

    def predict_all(self, queries: Queries, team_size: int) -> Prediction:
        """Returns all of it; teams are of ``team_size`` models."""
        ...


class Method(Protocol):
    """A way to choose a model. Its ``repr`` holds every setting: results are kept by it."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def fit(self, train: Dataset, *, seed: int) -> Predictor:
        """Learns from training data alone; the seed decides everything that is random."""
        ...


def prediction_of(predictor: Predictor, queries: Queries) -> Prediction:
    """Returns all that a fitted method can say."""
    if isinstance(predictor, FullPredictor):
        return predictor.predict_all(queries, TEAM_SIZE)
    return Prediction(scores=predictor.predict(queries))
