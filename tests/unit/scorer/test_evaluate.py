from __future__ import annotations

import numpy as np
import pytest

from scorer import Runtime, default_artifact_path, load_artifact
from scorer.data.records import Record
from scorer.evaluate import (
    NoKnownModelError,
    calibration_figures,
    evaluate,
    random_figures,
    ranking_figures,
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


def test_calibration_figures_of_a_case_worked_by_hand() -> None:
    scores = np.array([[0.9, 0.9], [0.9, 0.1]])
    targets = np.array([[1.0, 0.0], [1.0, NAN]])
    figures = calibration_figures(scores, targets)
    assert figures.calibration_error == pytest.approx(abs(0.9 - 2 / 3))
    assert figures.brier == pytest.approx((0.01 + 0.81 + 0.01) / 3)
    assert figures.loss == pytest.approx(-(2 * np.log(0.9) + np.log(0.1)) / 3)


def test_certain_and_wrong_is_finite() -> None:
    figures = calibration_figures(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
    assert np.isfinite(figures.loss)
    assert figures.calibration_error == 1.0


def test_an_artifact_is_evaluated_beside_its_baselines() -> None:
    runtime = Runtime.open(load_artifact(default_artifact_path()))
    strong, weak, _ = runtime.model_ids[:3]

    def record(number: int, task: str, **scores: float) -> Record:
        return Record(id=str(number), task=task, query=f"query {number}", scores=scores)

    known = [record(n, "a" if n < 4 else "b", **{strong: 1.0, weak: 0.0}) for n in range(4)]
    known += [record(n, "b", **{strong: 0.0, weak: 1.0}) for n in range(4, 7)]
    strange = [record(7, "a", stranger=1.0), record(8, "a", **{strong: 1.0, "stranger": 0.0})]
    result = evaluate(runtime, known + strange, train=known, batch_size=2)
    assert (result.query_count, result.unlabelled_query_count) == (8, 1)
    assert result.model_count == 2
    assert result.unknown_model_ids == ("stranger",)
    assert result.rankings["best single model"].mean_score == pytest.approx(5 / 8)
    assert result.rankings["best model per task"].mean_score == 1.0
    assert result.rankings["oracle"].regret == 0.0
    assert set(evaluate(runtime, known, train=[], batch_size=2).rankings) == {
        "scorer",
        "random",
        "oracle",
    }


def test_records_of_models_that_the_scorer_does_not_know_are_refused() -> None:
    runtime = Runtime.open(load_artifact(default_artifact_path()))
    stranger = Record(id="1", task="t", query="q", scores={"stranger": 1.0})
    with pytest.raises(NoKnownModelError):
        evaluate(runtime, [stranger], train=[], batch_size=1)
