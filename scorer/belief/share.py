"""The share of the answer scorer's log odds that counts, and its fit. Pure.

With p the prior score of an answer, t the log odds that its text adds, and y whether it turned out
right:

    log odds of right = l(p) + share * t

`share` is the maximum of its posterior under a normal prior around TEXT_SHARE, by Newton's method; at
least 0, at most MOST_SHARE.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scorer.belief.curve import log_odds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scorer.belief.curve import Said

TEXT_SHARE = 0.7
"""Share that counts without records. On folds of training queries, all of the log odds cost more
dollars and brought no more right answers: the likeliest of several answers is often one whose text
reads too well."""
MOST_SHARE = 1.0
PENALTY = 50.0
"""Precision of the prior: some hundred answers move the share half of the way."""

_STEPS = 30


def fit_share(said: Sequence[Said]) -> float:
    """Returns the share, from answers whose `score` is that of the answer scorer."""
    rows = [
        (log_odds(s.prior), log_odds(s.score) - log_odds(s.prior), s.right, s.weight) for s in said
    ]
    share = TEXT_SHARE
    for _ in range(_STEPS):
        slope, curvature = PENALTY * (TEXT_SHARE - share), PENALTY
        for odds, added, right, weight in rows:
            chance = 1 / (1 + math.exp(-(odds + share * added)))
            slope += weight * (right - chance) * added
            curvature += weight * chance * (1 - chance) * added * added
        share = min(max(share + slope / curvature, 0.0), MOST_SHARE)
    return share
