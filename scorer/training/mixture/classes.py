"""Response classes: patterns of which models fail together, the same in every kind of query.

``held-out chances (N, M), targets (N, M) -> C patterns -> success of each kind in each class``

Where models of a kind fail on different queries, a team should have models that cover one another. The
chances of a kind alone do not tell that. So labels, less what was expected, are grouped into patterns,
and each kind is split into classes that differ from it by a pattern. Their mean is the kind's, so no
score changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.ranking import team_hits
from scorer.runtime.team_rule import TEAM_SIZE, TeamRule
from scorer.training.calibrate import logit, sigmoid
from scorer.training.mixture.clusters import cluster

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

MAX_CLASSES = 4
ROWS_PER_CLASS = 25
PRIOR_LABELS = 5.0
"""Weight of what was expected, in labels of a class."""

STEPS = 15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patterns:
    """C patterns of success and failure."""

    shares: Floats
    """Share of the queries in each, (C,), summing to 1."""
    shifts: Floats
    """Difference to the logit of each model in the kind, (C, M)."""

    def split(self, success: Floats) -> Floats:
        """Returns the success of K kinds, (K, M), in each class, (K * C, M), with the same means."""
        base = logit(success)
        for _ in range(STEPS):
            chances = sigmoid(base[:, None] + self.shifts)  # (K, C, M)
            slopes = np.einsum("c,kcm->km", self.shares, chances * (1 - chances))
            gaps = success - np.einsum("c,kcm->km", self.shares, chances)
            base = base + np.clip(gaps / np.maximum(slopes, 1e-3), -1.0, 1.0)
        return sigmoid(base[:, None] + self.shifts).reshape(-1, success.shape[1])

    def split_weights(self, weights: Floats) -> Floats:
        """Returns the shares of N queries in K kinds, (N, K), as shares in the classes, (N, K * C)."""
        return (weights[:, :, None] * self.shares).reshape(len(weights), -1)


def find_patterns(chances: Floats, targets: npt.NDArray[np.floating], *, seed: int) -> Patterns:
    """Finds patterns in labels, (N, M), NaN where there is none, and held-out chances, (N, M)."""
    known = ~np.isnan(targets)
    labels = np.where(known, targets, 0.0)
    count = int(np.clip(len(targets) // ROWS_PER_CLASS, 1, MAX_CLASSES))
    groups = cluster((labels - known * chances).astype(np.float32), count, seed=seed)
    member = np.eye(groups.max() + 1)[groups]
    counts = member.T @ known + PRIOR_LABELS
    expected = (member.T @ (known * chances) + PRIOR_LABELS / 2) / counts
    found = (member.T @ labels + PRIOR_LABELS * expected) / counts
    return Patterns(shares=member.mean(axis=0), shifts=logit(found) - logit(expected))


def best_rule(
    covering: npt.NDArray[np.intp],
    scores: Floats,
    targets: npt.NDArray[np.floating],
    weights: Floats,
) -> TeamRule:
    """Returns the rule whose team includes one of the best models more often; ``COVERING`` in a tie.

    Where any right answer will do, models that cover one another win. Where answers are graded and
    only the highest counts, the models with the best scores win.

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
