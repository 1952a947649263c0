"""What was read of one query -> the models asked for, best first, and the team among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from routemoa.errors import ModelNotFoundError
from scorer.runtime.team_rule import team_columns
from scorer.runtime.uncertainty import uncertainty
from services.rpc.validation import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.runtime.team_rule import TeamRule

    Floats = npt.NDArray[np.float32]
    Integers = npt.NDArray[np.intp]


class Ranking:
    """Orders the models of one artifact by score; equal scores by model id.

    Args:
        model_ids: The artifact's models, in its order.
        success: Chance that a model answers a query of a response class well, shape (C, M).
        class_counts: How many response classes each skill has; they sum to C.
        team_rule: How the models that run together are chosen.
    """

    def __init__(
        self,
        model_ids: Sequence[str],
        success: Floats,
        class_counts: Sequence[int],
        team_rule: TeamRule,
    ) -> None:
        # With the columns in the order of their ids, a stable sort settles ties by id.
        self._columns = {model_id: model_ids.index(model_id) for model_id in sorted(model_ids)}
        self._all = list(self._columns)
        self._all_columns = np.array(list(self._columns.values()))
        self._success = success
        self._class_counts = class_counts
        self._team_rule = team_rule

    def unknown(self, model_ids: Sequence[str]) -> list[str]:
        """Returns the ids, sorted, that the artifact does not know."""
        return sorted(set(model_ids) - self._columns.keys())

    def check(self, model_ids: Sequence[str]) -> None:
        """Raises `ModelNotFoundError`, with every unknown id, if there are any."""
        if model_ids and (unknown := self.unknown(model_ids)):
            ids = listed(unknown)
            raise ModelNotFoundError(f"the scorer does not know {ids}", {"model_ids": ids})

    def best_first(
        self, scores: Floats, tokens: Floats | None, model_ids: Sequence[str]
    ) -> list[tuple[str, float, int | None]]:
        """Returns the models, or all if none are named, with score and expected reply tokens.

        Args:
            scores: One per model of the artifact, shape (M,), in the artifact's order.
            tokens: Expected tokens of each model's reply, shape (M,); None where none are known.
            model_ids: Ids that the artifact knows; naming one twice changes nothing.
        """
        ids, columns = self._chosen(model_ids)
        chosen = scores[columns]
        order = np.argsort(-chosen, kind="stable").tolist()
        values = chosen.tolist()
        if tokens is None:
            return [(ids[place], values[place], None) for place in order]
        lengths = np.rint(tokens[columns]).astype(int).tolist()
        return [(ids[place], values[place], lengths[place]) for place in order]

    def team(
        self, scores: Floats, class_weights: Floats, model_ids: Sequence[str], size: int
    ) -> list[str]:
        """Returns the models to run together, the best one first.

        Args:
            scores: As `best_first`.
            class_weights: How much the query is of each response class, shape (C,).
            model_ids: As `best_first`.
            size: How many; all, where there are fewer.
        """
        ids, columns = self._chosen(model_ids)
        (places,) = team_columns(
            self._team_rule,
            class_weights=class_weights[np.newaxis],
            success=self._success[:, columns],
            scores=scores[np.newaxis, columns],
            count=min(size, len(ids)),
        )
        return [ids[place] for place in places.tolist()]

    def uncertainty(self, scores: Floats, class_weights: Floats, model_ids: Sequence[str]) -> float:
        """Returns how little a ranking of these models is to be relied on, in [0, 1].

        Args:
            scores: As `best_first`.
            class_weights: As `team`.
            model_ids: As `best_first`.
        """
        _, columns = self._chosen(model_ids)
        (value,) = uncertainty(
            class_weights[np.newaxis], self._class_counts, scores[np.newaxis, columns]
        )
        return float(value)

    def _chosen(self, model_ids: Sequence[str]) -> tuple[list[str], Integers]:
        if not model_ids:
            return self._all, self._all_columns
        ids = sorted(set(model_ids))
        return ids, np.array([self._columns[model_id] for model_id in ids])
