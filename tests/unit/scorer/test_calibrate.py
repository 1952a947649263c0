from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorer.training.calibrate import PRIOR_LABELS, fit_calibration, fit_shared, sigmoid


def labels(
    draw: np.random.Generator, logits: np.ndarray, slope: float, offset: float
) -> np.ndarray:
    return (draw.random(logits.shape) < sigmoid(slope * logits + offset)).astype(float)


def test_it_recovers_the_map_that_made_the_labels() -> None:
    draw = np.random.default_rng(1)
    logits = draw.normal(0, 2, (20_000, 2))
    targets = np.stack(
        [labels(draw, logits[:, 0], 0.5, 1.0), labels(draw, logits[:, 1], 2.0, -0.5)], axis=1
    )
    calibration = fit_calibration(logits, targets)
    assert calibration.slope == pytest.approx([0.5, 2.0], abs=0.12)
    assert calibration.offset == pytest.approx([1.0, -0.5], abs=0.12)


def test_calibrated_logits_stay_as_they_are() -> None:
    draw = np.random.default_rng(2)
    logits = draw.normal(0, 1, (20_000, 1))
    calibration = fit_calibration(logits, labels(draw, logits, 1.0, 0.0))
    assert calibration.slope[0] == pytest.approx(1.0, abs=0.06)
    assert calibration.offset[0] == pytest.approx(0.0, abs=0.05)


def test_a_model_with_few_labels_is_corrected_as_its_pool_is() -> None:
    draw = np.random.default_rng(3)
    logits = draw.normal(0, 2, (5000, 4))
    targets = labels(draw, logits, 0.5, 1.0)
    targets[3:, 3] = np.nan
    targets[:3, 3] = 0.0  # three unlucky labels
    calibration = fit_calibration(logits, targets)
    assert PRIOR_LABELS > 3
    assert calibration.slope[3] == pytest.approx(0.5, abs=0.15)
    assert calibration.offset[3] == pytest.approx(1.0, abs=0.3)
    assert calibration.offset[3] < calibration.offset[0]


def test_a_model_without_any_label_gets_its_pool_s_map() -> None:
    draw = np.random.default_rng(4)
    logits = draw.normal(0, 2, (5000, 3))
    targets = labels(draw, logits, 0.5, 1.0)
    targets[:, 2] = np.nan
    calibration = fit_calibration(logits, targets)
    assert calibration.slope[2] == pytest.approx(0.5, abs=0.05)
    assert calibration.offset[2] == pytest.approx(1.0, abs=0.05)


def test_labels_that_are_shares_and_not_only_0_or_1_are_used_as_they_are() -> None:
    logits = np.linspace(-3, 3, 4000)[:, None]
    calibration = fit_calibration(logits, sigmoid(0.7 * logits + 0.2))
    assert calibration.slope[0] == pytest.approx(0.7, abs=0.01)
    assert calibration.offset[0] == pytest.approx(0.2, abs=0.01)


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
    calibration = fit_calibration(logits, (sign * logits > 0).astype(float))
    assert np.isfinite(calibration.slope).all()
    assert np.isfinite(calibration.offset).all()
    assert (calibration.slope > 0).all()


def test_the_sigmoid_does_not_overflow() -> None:
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


def test_one_map_for_all_models_is_recovered_with_the_ease_of_queries() -> None:
    draw = np.random.default_rng(4)
    logits, eases = draw.normal(0, 1, (4000, 3)), draw.normal(1, 1, 4000)
    truth = sigmoid(1.5 * logits + 0.7 * eases[:, None] - 0.4)
    targets = (draw.random(truth.shape) < truth).astype(float)
    targets[::5, 0] = np.nan
    found = fit_shared(logits, eases, targets, np.ones(4000))
    assert (found.slope, found.ease, found.offset) == pytest.approx((1.5, 0.7, -0.4), abs=0.1)


def test_easy_queries_never_lower_a_score() -> None:
    draw = np.random.default_rng(5)
    logits, eases = draw.normal(0, 1, (4000, 3)), draw.normal(0, 1, 4000)
    targets = (draw.random(logits.shape) < sigmoid(logits - 0.5 * eases[:, None])).astype(float)
    found = fit_shared(logits, eases, targets, np.ones(4000))
    assert found.ease == 0
    assert found.offset == pytest.approx(0, abs=0.1)
