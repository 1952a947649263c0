from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorer.training.calibrate import MIN_SLOPE, Calibration, fit_calibration, logit, sigmoid


def labels(
    draw: np.random.Generator, logits: np.ndarray, slope: float, offset: float
) -> np.ndarray:
    return (draw.random(logits.shape) < sigmoid(slope * logits + offset)).astype(float)


def fit(logits: np.ndarray, targets: np.ndarray) -> Calibration:
    return fit_calibration(logits, targets, np.ones(len(logits)))


def test_it_recovers_the_map_that_made_the_labels() -> None:
    draw = np.random.default_rng(1)
    logits = draw.normal(0, 2, (20_000, 2))
    calibration = fit(logits, labels(draw, logits, 0.5, 1.0))
    assert calibration.slope == pytest.approx(0.5, abs=0.02)
    assert calibration.offset == pytest.approx(1.0, abs=0.05)


def test_calibrated_logits_stay_as_they_are() -> None:
    draw = np.random.default_rng(2)
    logits = draw.normal(0, 1, (20_000, 1))
    calibration = fit(logits, labels(draw, logits, 1.0, 0.0))
    assert calibration.slope == pytest.approx(1.0, abs=0.06)
    assert calibration.offset == pytest.approx(0.0, abs=0.05)


def test_a_model_that_was_tried_on_little_changes_nothing_for_the_others() -> None:
    draw = np.random.default_rng(3)
    logits = draw.normal(0, 2, (5000, 4))
    targets = labels(draw, logits, 0.5, 1.0)
    targets[3:, 3] = np.nan
    targets[:3, 3] = 0.0  # three unlucky labels
    calibration = fit(logits, targets)
    assert calibration.slope == pytest.approx(0.5, abs=0.03)
    assert calibration.offset == pytest.approx(1.0, abs=0.05)


def test_labels_that_are_shares_and_not_only_0_or_1_are_used_as_they_are() -> None:
    logits = np.linspace(-3, 3, 4000)[:, None]
    calibration = fit(logits, sigmoid(0.7 * logits + 0.2))
    assert (calibration.slope, calibration.offset) == pytest.approx((0.7, 0.2), abs=1e-4)
    steeper = fit(logits, sigmoid(2 * logits))
    assert (steeper.slope, steeper.offset) == pytest.approx((2.0, 0.0), abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(1, 40),
    spread=st.floats(0.0, 50.0),
    sign=st.sampled_from([-1.0, 1.0]),
)
def test_every_map_is_finite_and_increasing_even_for_separable_or_reversed_labels(
    seed: int, rows: int, spread: float, sign: float
) -> None:
    logits = np.random.default_rng(seed).normal(0, 1, (rows, 3)) * spread
    calibration = fit(logits, (sign * logits > 0).astype(float))
    assert np.isfinite([calibration.slope, calibration.offset]).all()
    assert calibration.slope > 0


def test_without_any_label_scores_stay_as_they_are() -> None:
    nothing = fit(np.zeros((10, 2)), np.full((10, 2), np.nan))
    assert nothing == Calibration(slope=1.0, offset=0.0)


def test_even_twenty_labels_are_followed() -> None:
    draw = np.random.default_rng(9)
    logits = draw.normal(0, 1, (20, 2))
    targets = sigmoid(logits + 0.5)
    targets[:, 1] = np.nan
    calibration = fit(logits, targets)
    assert (calibration.slope, calibration.offset) == pytest.approx((1.0, 0.5), abs=0.01)


def test_a_row_of_weight_two_counts_as_two_rows() -> None:
    draw = np.random.default_rng(7)
    logits = draw.normal(0, 1, (300, 2))
    targets = labels(draw, logits, 0.8, 0.3)
    targets[::5, 0] = np.nan
    weights = draw.integers(1, 4, 300).astype(float)
    rows = np.repeat(np.arange(300), weights.astype(int))
    weighted = fit_calibration(logits, targets, weights)
    repeated = fit(logits[rows], targets[rows])
    assert weighted.offset == pytest.approx(repeated.offset, rel=1e-6)
    assert weighted.slope == pytest.approx(repeated.slope, rel=1e-6)


def test_reversed_labels_leave_the_least_slope_that_still_ranks() -> None:
    logits = np.linspace(-3, 3, 4000)[:, None]
    assert fit(logits, sigmoid(-2 * logits)).slope == MIN_SLOPE
    assert MIN_SLOPE < 0.1


@given(st.floats(-12, 12))
def test_the_logit_is_the_inverse_of_the_sigmoid(value: float) -> None:
    assert logit(sigmoid(np.array([value]))) == pytest.approx([value], abs=1e-6)


def test_certainty_has_a_finite_logit_beyond_that_of_any_score_in_use() -> None:
    low, even, high = logit(np.array([0.0, 0.5, 1.0]))
    assert low < -10
    assert (even, high) == pytest.approx((0.0, -low))
    assert np.isfinite(low)


def test_labels_that_are_perfectly_separated_still_give_a_steep_map_in_bounds() -> None:
    logits = np.array([[-1e3], [1e3]] * 200)
    calibration = fit(logits, (logits > 0).astype(float))
    assert 0.001 < calibration.slope < 10
    assert calibration.offset == pytest.approx(0.0, abs=0.01)


def test_the_sigmoid_does_not_overflow() -> None:
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


def test_calibrated_scores_are_the_map_of_the_logits_of_chances() -> None:
    chances = np.array([[0.2, 0.7]])
    expected = sigmoid(2.0 * logit(chances) + 0.3)
    assert Calibration(slope=2.0, offset=0.3).scores(chances) == pytest.approx(expected)
    assert Calibration(slope=1.0, offset=0.0).scores(chances) == pytest.approx(chances)
