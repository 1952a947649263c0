"""RouterArena's formulas give its published figures."""

from __future__ import annotations

import pytest

from services.evaluation.arena.figures import arena_score, robustness


def test_the_score_of_the_best_published_router_is_the_published_one() -> None:
    assert 100 * arena_score(0.7969, 0.27) == pytest.approx(77.63, abs=0.05)


def test_a_dearer_or_a_worse_router_scores_less_and_one_that_is_never_right_nothing() -> None:
    assert arena_score(0.7, 10) < arena_score(0.7, 1) < arena_score(0.8, 1)
    assert arena_score(0.0, 1) == 0.0


def test_robustness_is_the_share_of_rephrased_queries_with_the_same_model() -> None:
    picks = {"a": "x", "b": "y", "c": "y", "d": "x", "not rephrased": "z"}
    share = robustness(picks, {"a": "x", "b": "y", "c": "y", "d": "y"})
    assert share.mean == 0.75
    assert 0 <= share.low < share.mean < share.high <= 1
