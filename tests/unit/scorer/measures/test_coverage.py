from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from scorer.measures.coverage import coverage_curve, fallback_curve

OUTCOMES = arrays.arrays(np.float64, 20, elements=st.floats(0, 1))


def test_the_surest_queries_come_first() -> None:
    curve = coverage_curve(np.array([0.3, 0.1, 0.2]), np.array([0.0, 1.0, 0.5]))
    assert curve.coverages == pytest.approx([1 / 3, 2 / 3, 1])
    assert curve.scores == pytest.approx([1.0, 0.75, 0.5])
    assert curve.area == pytest.approx(0.75)
    assert curve.score_at(2 / 3) == pytest.approx(0.75)


def test_an_uncertainty_that_says_nothing_gives_a_flat_curve() -> None:
    curve = coverage_curve(np.full(4, 0.5), np.array([0.0, 1.0, 1.0, 0.0]))
    assert curve.scores == pytest.approx([0.5] * 4)


@given(OUTCOMES, arrays.arrays(np.float64, 20, elements=st.floats(0, 1)))
def test_at_full_coverage_the_score_is_the_mean(
    outcomes: np.ndarray, uncertainties: np.ndarray
) -> None:
    weights = np.arange(1, 21) / 210
    curve = coverage_curve(uncertainties, outcomes, weights)
    assert curve.coverages[-1] == pytest.approx(1)
    assert curve.scores[-1] == pytest.approx(np.average(outcomes, weights=weights))


@given(OUTCOMES)
def test_no_uncertainty_beats_knowing_the_outcome(outcomes: np.ndarray) -> None:
    best = coverage_curve(-outcomes, outcomes)
    other = coverage_curve(np.arange(20.0), outcomes)
    assert best.area >= other.area - 1e-12
    assert (np.diff(best.scores) <= 1e-12).all()


def test_the_surest_queries_are_decided_first_and_the_others_played_safe() -> None:
    uncertainties = np.array([0.3, 0.1, 0.2])
    ours, safe = np.array([0.0, 1.0, 0.5]), np.array([0.5, 0.5, 0.5])
    curve = fallback_curve(uncertainties, ours, safe)
    assert curve.coverages == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert curve.scores == pytest.approx([0.5, 2 / 3, 2 / 3, 0.5])


@given(OUTCOMES, OUTCOMES, arrays.arrays(np.float64, 20, elements=st.floats(0, 1)))
def test_a_fallback_curve_goes_from_the_safe_mean_to_ours(
    ours: np.ndarray, safe: np.ndarray, uncertainties: np.ndarray
) -> None:
    weights = np.arange(1, 21) / 210
    curve = fallback_curve(uncertainties, ours, safe, weights)
    assert curve.scores[0] == pytest.approx(np.average(safe, weights=weights))
    assert curve.scores[-1] == pytest.approx(np.average(ours, weights=weights))
