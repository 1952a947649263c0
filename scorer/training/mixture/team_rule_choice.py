"""Chooses the rule for teams that suits a pool, from held-out teams and scores.

Where any right answer will do, models that cover one another win: the second is good where the first
fails. Where answers are graded and only the highest counts, the models with the best scores win.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.ranking import team_hits
from scorer.runtime.team_rule import TEAM_SIZE, TeamRule

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]


def best_rule(
    covering: npt.NDArray[np.intp], scores: Floats, targets: Floats, weights: Floats
) -> TeamRule:
    """Returns the rule whose team includes one of the best models more often; ``COVERING`` in a tie.

    Args:
        covering: The held-out teams of ``COVERING``, (N, TEAM_SIZE), each of models with a label.
        scores: Held-out calibrated scores, (N, M).
        targets: Labels, (N, M), NaN where there is none.
        weights: Weight of each row, in queries, (N,).
    """
    labelled = np.where(np.isnan(targets), -np.inf, scores)
    best = np.argsort(-labelled, axis=1, kind="stable")[:, :TEAM_SIZE]
    hits = [np.average(team_hits(teams, targets), weights=weights) for teams in (covering, best)]
    return TeamRule.BEST_SCORES if hits[1] > hits[0] else TeamRule.COVERING
