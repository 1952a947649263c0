"""Measures score against dollars, over all weights of the cost.

``scores (N, M), predicted costs -> argmax(score - price * cost) for many prices -> points
(mean cost, mean score) -> upper concave hull -> area, and score kept at a share of the cost``

Choosing between two points of the frontier at random, query by query, gives every point of the line
between them; hence the hull (as in RouterBench, Hu et al. 2024, arXiv 2403.12031).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]

PRICE_COUNT = 240
"""Number of prices that are tried."""
BISECTIONS = 20
"""Steps of the search for a price between two of these."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spending:
    """The true costs and scores, by which choices are measured."""

    targets: Floats
    """Labels, (N, M), NaN where there is none."""
    costs_usd: Floats
    """Costs, (N, M); NaN where unknown: such a model is no candidate for such a query."""
    weights: Floats
    """Weights of the queries, (N,), summing to 1."""

    def point(self, preferences: Floats) -> npt.NDArray[np.float64]:
        """Returns mean cost and mean score of each query's most preferred model."""
        known = ~(np.isnan(self.targets) | np.isnan(self.costs_usd))
        chosen = np.where(known, preferences, -np.inf).argmax(axis=1)[:, None]
        picked = (np.take_along_axis(a, chosen, 1)[:, 0] for a in (self.costs_usd, self.targets))
        return np.array([np.average(values, weights=self.weights) for values in picked])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frontier:
    """The upper concave hull of points of mean cost and mean score, both rising."""

    costs_usd: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]

    def score_at(self, cost_usd: float) -> float:
        """Returns the best mean score for at most this mean cost; 0 if all points cost more."""
        return float(np.interp(cost_usd, self.costs_usd, self.scores, left=0.0))

    def area(self, low_usd: float, high_usd: float) -> float:
        """Returns the average score over all mean costs from ``low_usd`` to ``high_usd``."""
        start = max(low_usd, self.costs_usd[0])
        if start >= high_usd:
            return 0.0
        inside = (self.costs_usd > start) & (self.costs_usd < high_usd)
        costs = np.concatenate([[start], self.costs_usd[inside], [high_usd]])
        scores = np.interp(costs, self.costs_usd, self.scores)
        return float(np.trapezoid(scores, costs) / (high_usd - low_usd))


def prices_for(predicted_usd: Floats) -> npt.NDArray[np.float64]:
    """Returns rising prices in score per dollar, from 0 to a price at which only cost counts.

    Priced so, the whole range of costs is worth from 0.0001 to 10,000 in score.
    """
    span = float(np.ptp(predicted_usd)) or 1.0
    return np.concatenate([[0.0], np.geomspace(1e-4, 1e4, PRICE_COUNT) / span])


def cost_frontier(scores: Floats, predicted_usd: Floats, truth: Spending) -> Frontier:
    """Returns the frontier of choosing by ``scores - price * predicted_usd`` over all prices.

    Args:
        scores: Predicted scores, (N, M).
        predicted_usd: Predicted costs, (M,) or (N, M).
        truth: The true costs and scores.
    """
    points = [truth.point(scores - p * predicted_usd) for p in prices_for(predicted_usd)]
    return upper_hull(np.array(points))


def within_budget(scores: Floats, predicted_usd: Floats, budget_usd: float) -> Floats:
    """Returns the preferences (N, M) at the lowest price whose predicted mean cost fits a budget.

    It needs no label, so a deployment can do the same. With too small a budget, only cost counts.
    """
    costs: Floats = np.broadcast_to(predicted_usd, scores.shape).astype(np.float64)

    def fits(price: float) -> bool:
        chosen = (scores - price * costs).argmax(axis=1)[:, None]
        return bool(np.take_along_axis(costs, chosen, axis=1).mean() <= budget_usd)

    prices = prices_for(predicted_usd)
    index = next((index for index, price in enumerate(prices) if fits(price)), None)
    if index is None:
        return -costs
    low, high = prices[max(index - 1, 0)], prices[index]
    # Between two prices of the list, many queries can change; a finer price uses more of the budget.
    for _ in range(BISECTIONS if index else 0):
        middle = (low + high) / 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    preferences: Floats = scores - high * costs
    return preferences


def upper_hull(points: Floats) -> Frontier:
    """Returns the rising part of the upper concave hull of points (P, 2) of cost and score."""
    hull: list[tuple[float, float]] = []
    # Of points of equal cost the best comes first; a point that is no better than a cheaper one is
    # not on the hull.
    for cost, score in sorted((float(x), float(y)) for x, y in points * (1, -1)):
        point = (cost, -score)
        if hull and point[1] <= hull[-1][1]:
            continue
        while len(hull) > 1 and not _turns_down(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    costs, scores = np.array(hull).T
    return Frontier(costs_usd=costs, scores=scores)


def _turns_down(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[1] - a[1]) * (c[0] - b[0]) > (c[1] - b[1]) * (b[0] - a[0])
