"""The arena score and robustness of RouterArena. Pure.

Their source is Lu et al. 2025, https://arxiv.org/abs/2510.00202.

With A the share of right answers and C how cheap they are, from 0 at 200 dollars per 1,000 queries to 1
at 0.0044, on a logarithmic scale:

    arena score = (1 + b) A C / (b A + C), b = 0.1

Robustness is the share of perturbed queries for which the model of the query itself is chosen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from services.evaluation.report.estimates import estimate_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scorer.measures.intervals import Interval

COST_WEIGHT = 0.1
MOST_USD, LEAST_USD = 200.0, 0.0044
"""The bounds of dollars per 1,000 queries."""
SEED = 1


def arena_score(accuracy: float, usd_per_1000: float) -> float:
    """Returns the arena score of an accuracy in [0, 1] and a cost above zero; higher is better."""
    cheapness = math.log(MOST_USD / usd_per_1000) / math.log(MOST_USD / LEAST_USD)
    weighted = COST_WEIGHT * accuracy + cheapness
    return (1 + COST_WEIGHT) * accuracy * cheapness / weighted if weighted else 0.0


def robustness(picks: Mapping[str, str], perturbed_picks: Mapping[str, str]) -> Interval:
    """Returns the share of perturbed queries that have the model of the query itself, by id."""
    same = [float(picks[key] == pick) for key, pick in perturbed_picks.items()]
    return estimate_mean(same, seed=SEED)
