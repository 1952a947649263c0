"""What every method is: something that fits on labelled queries and then scores unlabelled ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy.typing as npt
    from numpy import float32

    from scorer.compare.dataset import Dataset, Queries

    Floats = npt.NDArray[float32]

VALIDATION_FRACTION = 0.2
"""Share of the training data that hyper-parameters are chosen on."""


class Predictor(Protocol):
    """A fitted method."""

    def predict(self, queries: Queries) -> Floats:
        """Returns a score in [0, 1] for every query and model, (N, M)."""
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
