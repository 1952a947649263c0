"""Sorts the requested models by score, and selects the team that runs together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
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


_KEPT_CHOICES = 16
"""Choices of models that are kept: one pool asks for the same models again and again."""


class Ranking:
    """Sorts the models of one artifact by score; equal scores by model id.

    Args:
        model_ids: The artifact's models, in its order.
        success: Probability that a model answers a query of a response class well, shape (C, M).
        class_counts: The number of response classes of each skill; the sum is C.
        team_rule: The rule that selects the models that run together.
    """

    def __init__(
        self,
        model_ids: Sequence[str],
        success: Floats,
        class_counts: Sequence[int],
        team_rule: TeamRule,
    ) -> None:
        # Sorted by id, so that a stable sort by score orders equal scores by id.
        self._columns = {model_id: model_ids.index(model_id) for model_id in sorted(model_ids)}
        self._success = success
        self._every = self._new_choice(tuple(model_ids))
        self._named = lru_cache(_KEPT_CHOICES)(self._new_choice)
        self._class_counts = class_counts
        self._team_rule = team_rule

    def unknown(self, model_ids: Sequence[str]) -> list[str]:
        """Returns the ids that are not in the artifact, sorted."""
        return sorted(set(model_ids) - self._columns.keys())

    def check(self, model_ids: Sequence[str]) -> None:
        """Raises `ModelNotFoundError` with all unknown ids, if there are any."""
        if not self._columns.keys() >= set(model_ids):
            unknown = self.unknown(model_ids)
            ids = listed(unknown)
            raise ModelNotFoundError(f"the scorer does not know {ids}", {"model_ids": ids})

    def best_first(
        self, scores: Floats, tokens: Floats | None, model_ids: Sequence[str]
    ) -> list[tuple[str, float, int | None]]:
        """Returns the requested models, best first, with their scores and expected reply tokens.

        Args:
            scores: One per model of the artifact, shape (M,), in the artifact's order.
            tokens: Expected tokens of each model's reply, shape (M,); None if unknown.
            model_ids: Ids in the artifact; none means all. Duplicates are ignored.
        """
        chosen = self._chosen(model_ids)
        ids, wanted = chosen.ids, scores[chosen.columns]
        order = np.argsort(-wanted, kind="stable").tolist()
        values = wanted.tolist()
        if tokens is None:
            return [(ids[index], values[index], None) for index in order]
        lengths = np.rint(tokens[chosen.columns]).astype(int).tolist()
        return [(ids[index], values[index], lengths[index]) for index in order]

    def team(
        self, scores: Floats, class_weights: Floats, model_ids: Sequence[str], size: int
    ) -> list[str]:
        """Returns the models that run together, the best one first.

        Args:
            scores: As `best_first`.
            class_weights: The weight of each response class, shape (C,).
            model_ids: As `best_first`.
            size: The number of models; with fewer models, all of them.
        """
        chosen = self._chosen(model_ids)
        (team,) = team_columns(
            self._team_rule,
            class_weights=class_weights[np.newaxis],
            success=chosen.success,
            scores=scores[np.newaxis, chosen.columns],
            count=min(size, len(chosen.ids)),
        )
        return [chosen.ids[index] for index in team.tolist()]

    def uncertainty(self, scores: Floats, class_weights: Floats, model_ids: Sequence[str]) -> float:
        """Returns the uncertainty of a ranking of these models, in [0, 1].

        Args:
            scores: As `best_first`.
            class_weights: As `team`.
            model_ids: As `best_first`.
        """
        chosen = self._chosen(model_ids)
        (value,) = uncertainty(
            class_weights[np.newaxis], self._class_counts, scores[np.newaxis, chosen.columns]
        )
        return float(value)

    def _chosen(self, model_ids: Sequence[str]) -> _Chosen:
        if not model_ids:
            return self._every
        return self._named(tuple(model_ids))

    def _new_choice(self, model_ids: tuple[str, ...]) -> _Chosen:
        ids = sorted(set(model_ids))
        columns = np.array([self._columns[model_id] for model_id in ids], dtype=np.intp)
        success = self._success[:, columns].astype(np.float64)  # what teams are computed with
        return _Chosen(ids=ids, columns=columns, success=success)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Chosen:
    """The models that a request names, sorted by id."""

    ids: list[str]
    columns: Integers
    success: npt.NDArray[np.float64]
    """Shape (C, number of ids)."""
