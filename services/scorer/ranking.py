"""One row of scores -> the models asked for, best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from routemoa.errors import ModelNotFoundError
from services.rpc.validation import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


class Ranking:
    """Orders the models of one artifact by score; equal scores by model id."""

    def __init__(self, model_ids: Sequence[str]) -> None:
        # With the columns in the order of their ids, a stable sort settles ties by id.
        self._columns = {model_id: model_ids.index(model_id) for model_id in sorted(model_ids)}
        self._all = list(self._columns)
        self._all_columns = np.array(list(self._columns.values()))

    def unknown(self, model_ids: Sequence[str]) -> list[str]:
        """Returns the ids, sorted, that the artifact does not know."""
        return sorted(set(model_ids) - self._columns.keys())

    def check(self, model_ids: Sequence[str]) -> None:
        """Raises `ModelNotFoundError`, with every unknown id, if there are any."""
        if model_ids and (unknown := self.unknown(model_ids)):
            ids = listed(unknown)
            raise ModelNotFoundError(f"the scorer does not know {ids}", {"model_ids": ids})

    def best_first(
        self, scores: npt.NDArray[np.float32], model_ids: Sequence[str]
    ) -> list[tuple[str, float]]:
        """Returns the models, or all if none are named, with their scores.

        Args:
            scores: One per model of the artifact, shape (M,), in the artifact's order.
            model_ids: Ids that the artifact knows; naming one twice changes nothing.
        """
        ids, columns = self._all, self._all_columns
        if model_ids:
            ids = sorted(set(model_ids))
            columns = np.array([self._columns[model_id] for model_id in ids])
        chosen = scores[columns]
        order = np.argsort(-chosen, kind="stable").tolist()
        values = chosen.tolist()
        return [(ids[place], values[place]) for place in order]
