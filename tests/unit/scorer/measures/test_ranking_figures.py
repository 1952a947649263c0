from __future__ import annotations

import numpy as np
import pytest

from scorer.measures.ranking import (
    hits_by_count,
    mean_by_model,
    random_figures,
    random_hits_by_count,
    ranking_figures,
    team_hits,
)

NAN = np.nan


def test_ranking_figures_of_a_case_worked_by_hand() -> None:
    targets = np.array([[1.0, 0.0, 0.5, 0.0], [0.0, 0.0, 0.2, 0.8], [0.0, 0.0, 0.0, 1.0]])
    scores = np.array([[0.9, 0.1, 0.2, 0.3], [0.4, 0.3, 0.9, 0.1], [0.1, 0.2, 0.3, 0.9]])
    figures = ranking_figures(scores, targets)
    assert figures.mean_score == pytest.approx((1.0 + 0.2 + 1.0) / 3)
    assert figures.hit_at_1 == pytest.approx(2 / 3)
    assert figures.hit_at_3 == pytest.approx(2 / 3)
    assert figures.regret == pytest.approx(0.6 / 3)


def test_a_tie_for_best_is_a_hit() -> None:
    targets = np.array([[1.0, 1.0, 0.0]])
    assert ranking_figures(np.array([[0.1, 0.9, 0.5]]), targets).hit_at_1 == 1.0


def test_a_model_without_a_label_is_no_candidate() -> None:
    targets = np.array([[NAN, 0.0, 1.0]])
    figures = ranking_figures(np.array([[0.99, 0.2, 0.6]]), targets)
    assert figures.mean_score == 1.0
    assert random_figures(targets).mean_score == 0.5


def test_the_oracle_has_no_regret() -> None:
    targets = np.random.default_rng(1).random((50, 6))
    figures = ranking_figures(targets, targets)
    assert (figures.hit_at_1, figures.hit_at_3, figures.regret) == (1.0, 1.0, 0.0)


def test_the_random_baseline_is_what_drawing_many_orders_gives() -> None:
    draw = np.random.default_rng(2)
    targets = draw.integers(0, 2, (40, 6)).astype(float)
    targets[0, :4] = NAN  # two candidates: any three of them hit
    drawn = [ranking_figures(draw.random(targets.shape), targets) for _ in range(3000)]
    expected = random_figures(targets)
    for name in ("mean_score", "hit_at_1", "hit_at_3", "regret"):
        mean = np.mean([getattr(figures, name) for figures in drawn])
        assert getattr(expected, name) == pytest.approx(mean, abs=0.01)


def test_a_team_hits_where_one_of_its_models_is_among_the_best() -> None:
    targets = np.array([[0.2, 0.9, 0.9], [0.2, 0.9, 0.9], [0.1, NAN, 0.5], [NAN, 0.4, 0.5]])
    teams = np.array([[0, 2], [0, 0], [1, 2], [0, 1]])
    assert team_hits(teams, targets).tolist() == [1.0, 0.0, 1.0, 0.0]


def test_weights_make_the_mean_another_average() -> None:
    targets = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    scores = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]])
    weights = np.array([0.5, 0.25, 0.25])
    assert ranking_figures(scores, targets, weights).mean_score == 0.5
    assert ranking_figures(scores, targets).mean_score == pytest.approx(1 / 3)
    assert random_figures(targets, weights).mean_score == 0.5


def test_a_model_without_any_label_has_the_lowest_mean() -> None:
    targets = np.array([[0.0, NAN, 0.25], [0.0, NAN, NAN]])
    assert mean_by_model(targets).tolist() == [0.0, -1.0, 0.25]


def test_the_mean_of_a_model_is_over_the_weights_of_its_labels() -> None:
    targets = np.array([[1.0, 1.0], [0.0, NAN], [0.0, 0.0]])
    assert mean_by_model(targets, np.array([0.5, 0.25, 0.25])) == pytest.approx([0.5, 2 / 3])


def test_hits_by_count_agree_with_the_figures_and_never_fall() -> None:
    draw = np.random.default_rng(4)
    targets = draw.integers(0, 2, (60, 6)).astype(float)
    targets[::7, 2] = NAN
    scores = draw.random(targets.shape)
    hits, figures = hits_by_count(scores, targets, 6), ranking_figures(scores, targets)
    assert hits[0] == pytest.approx(figures.hit_at_1)
    assert hits[2] == pytest.approx(figures.hit_at_3)
    assert (np.diff(hits) >= 0).all()
    assert hits[-1] == 1.0


def test_random_hits_by_count_agree_with_the_random_figures() -> None:
    targets = np.random.default_rng(5).integers(0, 3, (40, 5)).astype(float)
    hits, figures = random_hits_by_count(targets, 5), random_figures(targets)
    assert len(hits) == 5
    assert hits[0] == pytest.approx(figures.hit_at_1)
    assert hits[2] == pytest.approx(figures.hit_at_3)
    assert hits[-1] == 1.0
