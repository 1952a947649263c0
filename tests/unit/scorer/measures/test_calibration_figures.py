from __future__ import annotations

import numpy as np
import pytest

from scorer.measures.calibration import (
    calibration_by_model,
    calibration_figures,
    chance_of_calibration_error,
    model_calibration_errors,
    reliability,
)

NAN = np.nan


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


def test_a_model_without_labels_has_no_calibration() -> None:
    scores = np.array([[0.9, 0.5], [0.7, 0.5]])
    targets = np.array([[1.0, NAN], [1.0, NAN]])
    known, unknown = calibration_by_model(scores, targets)
    assert unknown is None
    assert known is not None
    assert known.calibration_error == pytest.approx(0.2)


def test_a_model_with_some_labels_is_measured_by_those() -> None:
    (known,) = calibration_by_model(np.array([[0.9], [0.7]]), np.array([[1.0], [NAN]]))
    assert known is not None
    assert known.calibration_error == pytest.approx(0.1)


def test_certain_scores_share_the_last_bin_with_nearly_certain_ones_alone() -> None:
    scores = np.array([[1.0, 0.94, 0.93]])
    assert reliability(scores, np.ones((1, 3))).counts.tolist() == [1, 2]


def test_a_reliability_diagram_holds_every_label_once() -> None:
    draw = np.random.default_rng(3)
    scores = draw.random((200, 3))
    targets = (draw.random((200, 3)) < scores).astype(float)
    diagram = reliability(scores, targets)
    assert diagram.counts.sum() == 600
    assert np.average(diagram.predicted, weights=diagram.counts) == pytest.approx(scores.mean())
    assert np.abs(diagram.predicted - diagram.observed).max() < 0.25


@pytest.mark.parametrize("count", [100, 1000])
def test_exact_scores_have_the_error_of_chance_and_inexact_ones_more(count: int) -> None:
    draw = np.random.default_rng(4)
    truth = draw.random((count, 8))
    targets = (draw.random(truth.shape) < truth).astype(float)
    targets[: count // 4, 0] = NAN
    chance = chance_of_calibration_error(truth, targets, seed=1)
    assert np.mean(model_calibration_errors(truth, targets)) == pytest.approx(chance, rel=0.25)
    flat = 0.5 + 0.5 * (truth - 0.5)
    by_chance = chance_of_calibration_error(flat, targets, seed=1)
    assert np.mean(model_calibration_errors(flat, targets)) > by_chance + 0.04
