"""Chooses the models that run together, by the rule in the artifact's manifest.

``class weights (B, C), success (C, M), scores (B, M) -> k models per query (B, k)``
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from scorer.runtime.max_coverage import complementary_models

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]
    Columns = npt.NDArray[np.intp]

TEAM_SIZE = 3
"""Number of models that a layer of the router runs."""


class TeamRule(StrEnum):
    """The rules for choosing a team; training picks the one that suits the pool."""

    COVERING = "covering"
    """Each model is good where those before it fail."""
    BEST_SCORES = "best_scores"
    """Each model has the best score of those that are left."""


def team_columns(
    rule: TeamRule, *, class_weights: Floats, success: Floats, scores: Floats, count: int
) -> Columns:
    """Returns the columns of ``count`` models per query, (B, count), the best one first.

    Args:
        rule: The rule to choose by.
        class_weights: Share of each query in each response class, (B, C).
        success: Probability that a model answers a query of the class well, (C, M).
        scores: Calibrated score per query and model, (B, M).
        count: Number of models in a team.

    Raises:
        ValueError: There are fewer than ``count`` models.
    """
    if count > success.shape[1]:
        raise ValueError(f"{count} models were asked for; there are {success.shape[1]}")
    if rule is TeamRule.COVERING:
        return complementary_models(class_weights, success, count=count)
    return np.argsort(-scores, axis=1, kind="stable")[:, :count]
