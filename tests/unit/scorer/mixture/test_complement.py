from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorer.runtime.max_coverage import complementary_models


def chance_of_any(weights: np.ndarray, success: np.ndarray, chosen: tuple[int, ...]) -> float:
    return float(weights @ (1 - np.prod(1 - success[:, list(chosen)], axis=1)))


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 4), classes=st.integers(1, 6))
def test_the_greedy_team_is_within_its_bound_of_the_best_one(
    seed: int, count: int, classes: int
) -> None:
    draw = np.random.default_rng(seed)
    success = draw.random((classes, 6))
    weights = draw.dirichlet(np.ones(classes))
    (team,) = complementary_models(weights[None], success, count=count).tolist()
    found = chance_of_any(weights, success, tuple(team))
    best = max(
        chance_of_any(weights, success, each) for each in itertools.combinations(range(6), count)
    )
    assert len(set(team)) == count
    assert found >= (1 - 1 / math.e) * best - 1e-12
    if count == 1:
        assert found == pytest.approx(best)


def test_the_second_model_is_good_where_the_first_one_fails() -> None:
    success = np.array([[0.9, 0.85, 0.1], [0.2, 0.2, 0.8]])
    team = complementary_models(np.array([[0.7, 0.3]]), success, count=2)
    assert team.tolist() == [[0, 2]]


def test_models_that_are_not_eligible_neither_join_nor_cover() -> None:
    success = np.array([[0.9, 0.85, 0.1, 0.5], [0.2, 0.2, 0.8, 0.5]])
    eligible = np.array([[True, True, True, True], [False, True, True, True]])
    weights = np.tile([0.7, 0.3], (2, 1))
    team = complementary_models(weights, success, count=2, eligible=eligible)
    assert team.tolist() == [[0, 2], [1, 2]]
    without = complementary_models(weights[1:], success[:, 1:], count=2) + 1
    assert team[1:].tolist() == without.tolist()
