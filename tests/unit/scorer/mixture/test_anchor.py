"""Queries that are easy or hard for all models, and scores that tell models apart by noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.calibration import calibration_figures
from scorer.measures.ranking import ranking_outcomes
from scorer.training.calibrate import Calibration, fit_calibration, logit, sigmoid
from scorer.training.mixture import shrinkage as anchor
from scorer.training.mixture.shrinkage import fit_anchor

if TYPE_CHECKING:
    import pytest

QUERIES, MODELS = 4000, 3
ABILITIES = np.array([0.1, 0.3, 0.2])


def noisy(seed: int, *, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chances that are noise between models and right between queries; their ease; labels."""
    draw = np.random.default_rng(seed)
    eases = draw.choice([-2.0, 2.0], QUERIES)
    truth = eases[:, None] + ABILITIES
    targets = (draw.random(truth.shape) < sigmoid(truth)).astype(float)
    chances = sigmoid(truth + noise * draw.normal(0, 1, truth.shape))
    return chances, eases, targets


def test_drawn_scores_choose_better_and_are_probabilities_still() -> None:
    weights = np.ones(QUERIES)
    chances, eases, targets = noisy(1, noise=0.5)
    calibration = fit_calibration(logit(chances), targets)
    drawn = fit_anchor(calibration, chances, eases, targets, weights)
    assert (drawn.calibration.slope < 0.9 * calibration.slope).all()
    chances, eases, targets = noisy(2, noise=0.5)
    plain = sigmoid(logit(chances) * calibration.slope + calibration.offset)
    scores = drawn.scores(chances, eases)
    gain = ranking_outcomes(scores, targets).scores - ranking_outcomes(plain, targets).scores
    assert gain.mean() > 0
    assert calibration_figures(scores, targets).calibration_error < 0.03
    without = drawn.scores(chances, np.zeros(QUERIES))
    assert calibration_figures(without, targets).calibration_error > 0.1


def test_ease_moves_no_choice() -> None:
    chances, eases, targets = noisy(1, noise=0.5)
    calibration = fit_calibration(logit(chances), targets)
    drawn = fit_anchor(calibration, chances, eases, targets, np.ones(QUERIES))
    with_ease = drawn.scores(chances, eases).argsort(axis=1)
    assert np.array_equal(with_ease, drawn.scores(chances, np.zeros(QUERIES)).argsort(axis=1))


def test_scores_that_tell_models_apart_are_left_alone() -> None:
    draw = np.random.default_rng(1)
    truth = np.array([[0.9, 0.2, 0.6], [0.2, 0.8, 0.6]])[draw.integers(2, size=QUERIES)]
    targets = (draw.random(truth.shape) < truth).astype(float)
    identity = Calibration(slope=np.ones(MODELS), offset=np.zeros(MODELS))
    found = fit_anchor(identity, truth, logit(truth).mean(axis=1), targets, np.ones(QUERIES))
    assert found.ease == 0
    assert found.calibration is identity


def test_missing_labels_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchor, "SHARES", (0.5,))
    chances, eases, targets = noisy(1, noise=0.5)
    weights = np.repeat([1.0, 2.0], QUERIES // 2)
    hidden = targets.copy()
    hidden[::3, 0] = np.nan
    calibration = fit_calibration(logit(chances), hidden, weights)
    found = fit_anchor(calibration, chances, eases, hidden, weights)
    assert calibration_figures(found.scores(chances, eases), targets).calibration_error < 0.03
