"""The posterior score from prior, self and cross score."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.judge.fusion import CUT_OFF_SHARE, Weights, fuse

SCORES = st.floats(0, 1)
OPTIONAL_SCORES = st.none() | SCORES
WEIGHTS = st.builds(
    Weights,
    prior=st.floats(1e-6, 1e6),
    self_=st.just(0.0) | st.floats(1e-6, 1e6),
    cross=st.just(0.0) | st.floats(1e-6, 1e6),
)
DEFAULT = Weights(prior=0.5, self_=0.1, cross=0.4)


@given(WEIGHTS, SCORES, OPTIONAL_SCORES, OPTIONAL_SCORES)
def test_the_posterior_lies_between_its_terms(
    weights: Weights, prior: float, self_score: float | None, cross_score: float | None
) -> None:
    posterior = fuse(weights, prior=prior, self_score=self_score, cross_score=cross_score)
    present = [score for score in (prior, self_score, cross_score) if score is not None]
    assert min(present) <= posterior <= max(present)


@given(WEIGHTS, SCORES)
def test_a_model_that_said_nothing_keeps_its_prior(weights: Weights, prior: float) -> None:
    assert fuse(weights, prior=prior, self_score=None, cross_score=None) == prior


@given(st.floats(0.01, 1))
def test_an_absent_score_is_not_a_zero(prior: float) -> None:
    absent = fuse(DEFAULT, prior=prior, self_score=None, cross_score=None)
    zero = fuse(DEFAULT, prior=prior, self_score=0.0, cross_score=None)
    assert zero < absent


@given(WEIGHTS, SCORES, SCORES, SCORES, SCORES)
def test_a_better_grade_never_lowers_the_posterior(
    weights: Weights, prior: float, self_score: float, one: float, other: float
) -> None:
    low, high = (
        fuse(weights, prior=prior, self_score=self_score, cross_score=cross)
        for cross in sorted((one, other))
    )
    assert low <= high or math.isclose(low, high)


@pytest.mark.parametrize(
    ("self_score", "cross_score", "expected"),
    [
        (0.9, 0.5, 0.5 * 0.6 + 0.1 * 0.9 + 0.4 * 0.5),
        (None, 0.5, (0.5 * 0.6 + 0.4 * 0.5) / 0.9),
        (0.9, None, (0.5 * 0.6 + 0.1 * 0.9) / 0.6),
    ],
)
def test_weights_are_renormalised_over_the_terms_that_are_present(
    self_score: float | None, cross_score: float | None, expected: float
) -> None:
    posterior = fuse(DEFAULT, prior=0.6, self_score=self_score, cross_score=cross_score)
    assert math.isclose(posterior, expected)


@given(SCORES, OPTIONAL_SCORES, OPTIONAL_SCORES)
def test_an_answer_that_was_cut_off_keeps_a_share_of_its_score(
    prior: float, self_score: float | None, cross_score: float | None
) -> None:
    whole, cut = (
        fuse(DEFAULT, prior=prior, self_score=self_score, cross_score=cross_score, cut_off=cut_off)
        for cut_off in (False, True)
    )
    assert cut == whole * CUT_OFF_SHARE
