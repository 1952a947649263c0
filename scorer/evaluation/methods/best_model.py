"""Baselines that hold one row of scores for many queries: for all, or for those of a task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.ranking import mean_by_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from scorer.evaluation.dataset import Dataset, Queries

    Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Predicts the row of a query's task, or the row for all where there is none."""

    row: Floats
    """(M,)"""
    rows_by_task: Mapping[str, Floats] = field(default_factory=dict)

    def predict(self, queries: Queries) -> Floats:
        """Returns the rows of the queries' tasks, (N, M)."""
        return np.array([self.rows_by_task.get(task, self.row) for task in queries.tasks])


@dataclass(frozen=True, slots=True, kw_only=True)
class BestSingle:
    """Ranks the models by their mean training score, whatever the query."""

    name: str = "best_single"

    def fit(self, train: Dataset, *, seed: int) -> Rows:  # noqa: ARG002 - nothing is random
        """Averages the training scores as the pool's metric does."""
        return Rows(row=_row(train))


@dataclass(frozen=True, slots=True, kw_only=True)
class BestPerTask:
    """Ranks the models by their mean training score on the query's task.

    It reads the task label that a query comes with, which a router does not have.
    """

    name: str = "best_per_task"

    def fit(self, train: Dataset, *, seed: int) -> Rows:  # noqa: ARG002 - nothing is random
        """Averages the training scores of each task."""
        tasks = np.array(train.tasks)
        rows = {
            task: _row(train.take(np.flatnonzero(tasks == task))) for task in sorted(set(tasks))
        }
        return Rows(row=_row(train), rows_by_task=rows)


def _row(train: Dataset) -> Floats:
    return mean_by_model(train.targets, train.weights).clip(0, 1).astype(np.float32)
