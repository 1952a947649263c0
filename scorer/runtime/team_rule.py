"""What was read of queries -> the models that run together, by the rule that suits the pool.

``class weights (B, C), success (C, M), scores (B, M) -> k models per query (B, k)``

Where any right answer will do, models that cover one another win: the second is good where the first
fails. Where answers are graded and only the highest counts, a model that is right where the others
fail is of no use unless it is also the best, and the best scores win. Held-out queries tell which.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.ranking import team_hits
from scorer.runtime.max_coverage import complementary_models
from scorer.training.mixture.significance import best_candidate

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]
    Columns = npt.NDArray[np.intp]

TEAM_SIZE = 3
"""Models that a layer of the router runs."""


class TeamRule(StrEnum):
    """How the models that run together are chosen."""

    COVERING = "covering"
    """Each is good where those before it fail."""
    BEST_SCORES = "best_scores"
    """Each has the best score of those that are left."""


def team_columns(
    rule: TeamRule, *, class_weights: Floats, success: Floats, scores: Floats, count: int
) -> Columns:
    """Returns the columns of ``count`` models per query, (B, count), the best one first.

    Args:
        rule: How they are chosen.
        class_weights: How much each query is of each response class, (B, C).
        success: Chance that a model answers a query of the class well, (C, M).
        scores: Calibrated score per query and model, (B, M).
        count: How many.

    Raises:
        ValueError: There are fewer than ``count`` models.
    """
    if count > success.shape[1]:
        raise ValueError(f"{count} models were asked for; there are {success.shape[1]}")
    if rule is TeamRule.COVERING:
        return complementary_models(class_weights, success, count=count)
    return np.argsort(-scores, axis=1, kind="stable")[:, :count]


def best_rule(covering: Columns, scores: Floats, targets: Floats, weights: Floats) -> TeamRule:
    """Returns the rule whose team includes one of the best models more often.

    Args:
        covering: The held-out teams of ``COVERING``, (N, TEAM_SIZE), each of models with a label.
        scores: Held-out calibrated scores, (N, M).
        targets: Labels, (N, M), NaN where there is none.
        weights: How many queries each row counts as, (N,).
    """
    candidates = np.where(np.isnan(targets), -np.inf, scores)
    best = np.argsort(-candidates, axis=1, kind="stable")[:, :TEAM_SIZE]
    hits = [team_hits(teams, targets) for teams in (covering, best)]
    return tuple(TeamRule)[best_candidate(hits, weights)]
