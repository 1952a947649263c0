"""Queries that are easy or hard for all models, and scores that tell models apart by noise."""

from __future__ import annotations

import numpy as np
import pytest

from scorer.measures.calibration import calibration_figures
from scorer.measures.ranking import ranking_outcomes
from scorer.training.calibrate import Calibration, SharedMap, fit_calibration, logit, sigmoid
from scorer.training.mixture import shrinkage
from scorer.training.mixture.shrinkage import Shrinkage, class_easiness, fit_shrinkage

QUERIES, MODELS = 4000, 3
ABILITIES = np.array([0.1, 0.3, 0.2])


def noisy(seed: int, *, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chances that are noise between models and right between queries; their easiness; labels."""
    draw = np.random.default_rng(seed)
    easiness = draw.choice([-2.0, 2.0], QUERIES)
    truth = easiness[:, None] + ABILITIES
    targets = (draw.random(truth.shape) < sigmoid(truth)).astype(float)
    chances = sigmoid(truth + noise * draw.normal(0, 1, truth.shape))
    return chances, easiness, targets


def test_shrunk_scores_choose_better_and_are_still_probabilities() -> None:
    weights = np.ones(QUERIES)
    chances, easiness, targets = noisy(1, noise=0.5)
    calibration = fit_calibration(logit(chances), targets)
    shrunk = fit_shrinkage(calibration, chances, easiness, targets, weights)
    assert (shrunk.calibration.slope < 0.9 * calibration.slope).all()
    chances, easiness, targets = noisy(2, noise=0.5)
    plain = sigmoid(logit(chances) * calibration.slope + calibration.offset)
    scores = shrunk.scores(chances, easiness)
    gain = ranking_outcomes(scores, targets).scores - ranking_outcomes(plain, targets).scores
    assert gain.mean() > 0
    assert calibration_figures(scores, targets).calibration_error < 0.03
    without = shrunk.scores(chances, np.zeros(QUERIES))
    assert calibration_figures(without, targets).calibration_error > 0.1


def test_the_noisier_the_scores_the_more_often_the_model_that_is_best_on_average_is_chosen() -> (
    None
):
    chances, easiness, targets = noisy(1, noise=1.0)
    calibration = fit_calibration(logit(chances), targets)
    shrunk = fit_shrinkage(calibration, chances, easiness, targets, np.ones(QUERIES))
    chances, easiness, _ = noisy(2, noise=1.0)
    chosen = shrunk.scores(chances, easiness).argmax(axis=1)
    assert (chosen == ABILITIES.argmax()).mean() > 0.45


def test_scores_shrunk_by_a_half_lie_halfway_to_their_models_means(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shrinkage, "SHARES", (0.5,))
    as_it_is = SharedMap(slope=1.0, easiness=0.0, offset=0.0)
    monkeypatch.setattr(shrinkage, "fit_shared", lambda *_: as_it_is)
    chances = np.array([[0.2, 0.9], [0.6, 0.7]])
    targets = np.array([[1.0, 0.0], [0.5, 0.2]])
    calibration = Calibration(slope=np.array([2.0, 0.5]), offset=np.array([1.0, -1.0]))
    found = fit_shrinkage(calibration, chances, np.zeros(2), targets, np.array([1.0, 3.0]))
    calibrated = logit(chances) * calibration.slope + calibration.offset
    means = logit(np.array([0.625, 0.15]))
    halfway = sigmoid((calibrated + means) / 2)
    assert found.scores(chances, np.zeros(2)) == pytest.approx(halfway)


def test_no_score_is_shrunk_beyond_its_models_mean() -> None:
    assert all(0 <= share < 1 for share in shrinkage.SHARES)


def test_a_class_is_as_easy_as_its_models_are_likely_to_be_right_on_the_scale_of_logits() -> None:
    success = np.array([[0.5, 0.5], [0.9, 0.9], [0.1, 0.9]])
    assert class_easiness(success) == pytest.approx([0.0, np.log(9), 0.0], abs=1e-9)
    identity = Calibration(slope=np.ones(2), offset=np.zeros(2))
    found = Shrinkage(calibration=identity, easiness=0.5)
    assert found.easiness_by_class(success) == pytest.approx([0.0, np.log(9) / 2, 0.0], abs=1e-9)


def test_easiness_moves_no_choice() -> None:
    chances, easiness, targets = noisy(1, noise=0.5)
    calibration = fit_calibration(logit(chances), targets)
    shrunk = fit_shrinkage(calibration, chances, easiness, targets, np.ones(QUERIES))
    with_easiness = shrunk.scores(chances, easiness).argsort(axis=1)
    assert np.array_equal(with_easiness, shrunk.scores(chances, np.zeros(QUERIES)).argsort(axis=1))


def test_scores_that_tell_models_apart_are_left_alone() -> None:
    draw = np.random.default_rng(1)
    truth = np.array([[0.9, 0.2, 0.6], [0.2, 0.8, 0.6]])[draw.integers(2, size=QUERIES)]
    targets = (draw.random(truth.shape) < truth).astype(float)
    identity = Calibration(slope=np.ones(MODELS), offset=np.zeros(MODELS))
    found = fit_shrinkage(identity, truth, logit(truth).mean(axis=1), targets, np.ones(QUERIES))
    assert found.easiness == 0
    assert found.calibration is identity


def test_missing_labels_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinkage, "SHARES", (0.5,))
    chances, easiness, targets = noisy(1, noise=0.5)
    weights = np.repeat([1.0, 2.0], QUERIES // 2)
    hidden = targets.copy()
    hidden[::3, 0] = np.nan
    calibration = fit_calibration(logit(chances), hidden, weights)
    found = fit_shrinkage(calibration, chances, easiness, hidden, weights)
    assert calibration_figures(found.scores(chances, easiness), targets).calibration_error < 0.03
