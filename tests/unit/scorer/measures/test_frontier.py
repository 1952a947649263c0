from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from scorer.measures.frontier import (
    Spending,
    cost_frontier,
    prices_for,
    upper_hull,
    within_budget,
)

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


def test_the_hull_of_a_case_worked_by_hand() -> None:
    on_the_hull = [[2.0, 0.2], [3.0, 0.6], [4.0, 0.75], [6.0, 0.9]]
    below = [[2.0, 0.1], [3.5, 0.6], [5.0, 0.8], [5.5, 0.78], [7.0, 0.85]]
    hull = upper_hull(np.array([*below, *on_the_hull]))
    assert np.stack([hull.costs_usd, hull.scores], axis=1).tolist() == on_the_hull
    straight = upper_hull(np.array([[1.0, 0.125], [2.0, 0.25], [3.0, 0.375]]))
    assert straight.costs_usd.tolist() == [1.0, 3.0]  # what lies between them adds nothing


def test_nothing_is_had_for_less_than_the_cheapest_costs() -> None:
    hull = upper_hull(np.array([[1.0, 0.5], [3.0, 1.0]]))
    assert (hull.score_at(0.9), hull.score_at(1.0), hull.score_at(9.0)) == (0.0, 0.5, 1.0)
    assert hull.area(0.0, 0.5) == 0
    assert hull.area(2.0, 2.0) == 0


def test_prices_reach_from_where_cost_hardly_counts_to_where_only_cost_does() -> None:
    prices = prices_for(np.array([1.0, 3.0]))
    assert prices[0] == 0
    assert (np.diff(prices) > 0).all()
    assert (2 * prices[1], 2 * prices[-1]) == pytest.approx((1e-4, 1e4))


@pytest.mark.parametrize("dollars", [1e-6, 1e6])
def test_the_currency_changes_no_frontier(dollars: float) -> None:
    draw = np.random.default_rng(3)
    scores, targets = draw.random((50, 3)), draw.random((50, 3))
    costs = np.tile([1.0, 3.0, 10.0], (50, 1))
    plain = cost_frontier(scores, costs[0], even(targets, costs))
    scaled = cost_frontier(scores, costs[0] * dollars, even(targets, costs * dollars))
    assert scaled.costs_usd == pytest.approx(plain.costs_usd * dollars)
    assert scaled.scores == pytest.approx(plain.scores)


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


def test_a_budget_that_is_just_enough_changes_no_preference_and_one_too_small_only_saves() -> None:
    scores, costs = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([1.0, 3.0])
    assert np.array_equal(within_budget(scores, costs, 2.0), scores)
    assert within_budget(scores, costs, 0.5).argmax(axis=1).tolist() == [0, 0]


@pytest.mark.parametrize("most", [1.0, 1e-5])
def test_no_more_of_a_budget_is_left_than_one_query_costs(most: float) -> None:
    gains = np.linspace(0, most, 1001)[1:]  # what the dearer model is better by
    scores = np.stack([np.full(1000, 0.1), 0.1 + gains], axis=1)
    chosen = within_budget(scores, np.array([1.0, 2.0]), 1.5).argmax(axis=1)
    assert 0.499 <= chosen.mean() <= 0.5
    assert chosen[-499:].all()  # where it is of most use
