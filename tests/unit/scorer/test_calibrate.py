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
    logits = draw.normal([0, 1], 2, (20_000, 2))
    calibration = fit(logits, labels(draw, 0.5 * (logits - [0, 1]) + [0, 1], 1.0, 0.4))
    assert calibration.slope == pytest.approx([0.5, 0.5], abs=0.02)
    assert calibration.offset == pytest.approx([0.4, 0.9], abs=0.05)


def test_calibrated_logits_stay_as_they_are() -> None:
    draw = np.random.default_rng(2)
    logits = draw.normal(0, 1, (20_000, 1))
    calibration = fit(logits, labels(draw, logits, 1.0, 0.0))
    assert calibration.slope[0] == pytest.approx(1.0, abs=0.06)
    assert calibration.offset[0] == pytest.approx(0.0, abs=0.05)


def test_where_the_query_tells_nothing_each_model_keeps_its_mean() -> None:
    draw = np.random.default_rng(5)
    means = np.array([-1.0, 0.0, 0.2])
    logits = means + draw.normal(0, 0.5, (20_000, 3))
    scores = fit(logits, labels(draw, np.tile(means, (20_000, 1)), 1.0, 0.0)).scores(
        sigmoid(logits)
    )
    assert scores.std(axis=0).max() < 0.01
    assert scores.mean(axis=0) == pytest.approx(sigmoid(means), abs=0.02)


def test_a_model_that_was_tried_on_little_changes_nothing_for_the_others() -> None:
    draw = np.random.default_rng(3)
    logits = draw.normal(0, 2, (5000, 4))
    targets = labels(draw, logits, 0.5, 1.0)
    targets[3:, 3] = np.nan
    targets[:3, 3] = 0.0  # three unlucky labels
    calibration = fit(logits, targets)
    assert calibration.slope == pytest.approx(np.full(4, 0.5), abs=0.03)
    assert calibration.offset == pytest.approx(np.full(4, 1.0), abs=0.06)


def test_labels_that_are_shares_and_not_only_0_or_1_are_used_as_they_are() -> None:
    logits = np.linspace(-3, 3, 4000)[:, None]
    calibration = fit(logits, sigmoid(0.7 * logits + 0.2))
    assert (calibration.slope[0], calibration.offset[0]) == pytest.approx((0.7, 0.2), abs=1e-4)
    steeper = fit(logits, sigmoid(2 * logits))
    assert (steeper.slope[0], steeper.offset[0]) == pytest.approx((2.0, 0.0), abs=1e-4)


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
    assert (calibration.slope > 0).all()


def test_without_any_label_scores_stay_as_they_are() -> None:
    logits = np.random.default_rng(1).normal(0, 1, (10, 2))
    nothing = fit(logits, np.full((10, 2), np.nan))
    assert nothing.slope == pytest.approx([1.0, 1.0])
    assert nothing.offset == pytest.approx([0.0, 0.0])


def test_even_twenty_labels_are_followed() -> None:
    draw = np.random.default_rng(9)
    logits = draw.normal(0, 1, (20, 2))
    targets = sigmoid(logits + 0.5)
    targets[:, 1] = np.nan
    calibration = fit(logits, targets)
    assert calibration.slope == pytest.approx([1.0, 1.0], abs=0.01)
    assert calibration.offset == pytest.approx([0.5, 0.5], abs=0.01)


def test_a_row_of_weight_two_counts_as_two_rows() -> None:
    draw = np.random.default_rng(7)
    logits = draw.normal(0, 1, (300, 2))
    logits -= logits.mean(axis=0)
    targets = labels(draw, logits, 0.8, 0.3)
    targets[::5, 0] = np.nan
    rows = np.concatenate([np.arange(300), np.arange(300)])
    weighted = fit_calibration(logits, targets, np.full(300, 2.0))
    repeated = fit(logits[rows], targets[rows])
    assert weighted.offset == pytest.approx(repeated.offset, rel=1e-6)
    assert weighted.slope == pytest.approx(repeated.slope, rel=1e-6)


def test_a_row_of_no_weight_is_not_fitted() -> None:
    draw = np.random.default_rng(8)
    logits = draw.normal(0, 1, (300, 1))
    targets = labels(draw, logits, 0.8, 0.3)
    weights = np.ones(300)
    weights[:150] = 0.0
    other = targets.copy()
    other[:150] = 1 - other[:150]
    one, two = (fit_calibration(logits, each, weights) for each in (targets, other))
    assert one.slope == pytest.approx(two.slope)
    assert one.offset == pytest.approx(two.offset)


def test_reversed_labels_leave_the_least_slope_that_still_ranks() -> None:
    logits = np.linspace(-3, 3, 4000)[:, None]
    assert fit(logits, sigmoid(-2 * logits)).slope.tolist() == [MIN_SLOPE]
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
    assert 0.001 < calibration.slope[0] < 10
    assert calibration.offset[0] == pytest.approx(0.0, abs=0.01)


def test_the_sigmoid_does_not_overflow() -> None:
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


def test_calibrated_scores_are_the_map_of_the_logits_of_chances() -> None:
    chances = np.array([[0.2, 0.7]])
    calibration = Calibration(slope=np.array([1.0, 2.0]), offset=np.array([0.3, -1.0]))
    expected = sigmoid(np.array([1.0, 2.0]) * logit(chances) + np.array([0.3, -1.0]))
    assert calibration.scores(chances) == pytest.approx(expected)
    unchanged = Calibration(slope=np.ones(2), offset=np.zeros(2))
    assert unchanged.scores(chances) == pytest.approx(chances)
