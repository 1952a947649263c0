from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from scorer.measures.frontier import Spending, cost_frontier, upper_hull, within_budget

POINTS = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 25), st.just(2)), elements=st.floats(0, 1, width=16)
)


def even(targets: np.ndarray, costs: np.ndarray) -> Spending:
    count = len(targets)
    return Spending(targets=targets, costs_usd=costs, weights=np.full(count, 1 / count))


@given(POINTS)
def test_no_point_lies_above_the_hull(points: np.ndarray) -> None:
    hull = upper_hull(points)
    for cost, score in points:
        assert hull.score_at(cost) >= score - 1e-9


@given(POINTS)
def test_the_hull_rises_ever_more_slowly(points: np.ndarray) -> None:
    hull = upper_hull(points)
    assert (np.diff(hull.costs_usd) > 0).all()
    slopes = np.diff(hull.scores) / np.diff(hull.costs_usd)
    assert (slopes > 0).all()
    assert (np.diff(slopes) < 1e-9).all()


@given(POINTS)
def test_the_hull_holds_only_given_points(points: np.ndarray) -> None:
    hull = upper_hull(points)
    given_points = {(float(x), float(y)) for x, y in points}
    assert set(zip(hull.costs_usd.tolist(), hull.scores.tolist(), strict=True)) <= given_points


@given(POINTS, st.floats(0, 1, width=16), st.floats(0, 1, width=16))
def test_another_point_never_lowers_the_area(points: np.ndarray, cost: float, score: float) -> None:
    more = np.concatenate([points, [[cost, score]]])
    assert upper_hull(more).area(0, 1) >= upper_hull(points).area(0, 1) - 1e-9


def test_the_area_of_a_case_worked_by_hand() -> None:
    hull = upper_hull(np.array([[1.0, 0.5], [3.0, 1.0], [2.0, 0.5], [4.0, 0.9]]))
    assert hull.costs_usd.tolist() == [1.0, 3.0]
    assert hull.area(1, 5) == pytest.approx((2 * 0.75 + 2 * 1.0) / 4)
    # Nothing costs less than 1, so half of this range scores nothing.
    assert hull.area(0, 2) == pytest.approx((0.5 + 0.75) / 2 / 2)


def test_a_scorer_that_knows_gets_the_best_score_for_little() -> None:
    targets = np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    costs = np.tile([1.0, 10.0], (4, 1))
    found = cost_frontier(targets, costs[0], even(targets, costs))
    assert found.score_at((3 * 1 + 10) / 4) == 1.0
    assert found.score_at(1.0) == 0.75


def test_a_model_without_a_label_or_a_cost_is_never_chosen() -> None:
    targets = np.array([[np.nan, 0.0, 1.0]])
    costs = np.array([[1.0, 1.0, np.nan]])
    found = cost_frontier(np.array([[0.9, 0.1, 0.8]]), costs[0, :2].mean(), even(targets, costs))
    assert (found.costs_usd.tolist(), found.scores.tolist()) == ([1.0], [0.0])


def test_a_budget_is_kept_without_looking_at_labels() -> None:
    draw = np.random.default_rng(1)
    costs = np.array([1.0, 3.0, 10.0])
    scores = draw.random((200, 3)) + np.array([0.0, 0.2, 0.4])
    for budget in (1.0, 2.0, 5.0, 20.0):
        chosen = within_budget(scores, costs, budget).argmax(axis=1)
        assert costs[chosen].mean() <= budget
        # Nor is more of it left than one query could have spent, where more would be of use.
        dearest = costs[scores.argmax(axis=1)].mean()
        assert costs[chosen].mean() > min(budget, dearest) - 9.0 / 200 - 1e-9
    assert (within_budget(scores, costs, 20.0).argmax(axis=1) == scores.argmax(axis=1)).all()
