"""What a model's scores are worth, by its record."""

from __future__ import annotations

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from scorer.belief.curve import MOST_EVIDENCE, Said, fit_curve
from scorer.belief.share import MOST_SHARE, TEXT_SHARE, fit_share

SCORES = st.floats(0, 1)
SAID = st.builds(Said, prior=SCORES, score=SCORES, right=SCORES, weight=st.floats(0, 10))


def game(count: int, *, honest: bool, seed: int = 1) -> list[Said]:
    """Returns scores of answers that are right in three of five cases."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        right = rng.random() < 0.6
        score = rng.gauss(0.7 if right else 0.35, 0.15) if honest else rng.random()
        found.append(Said(prior=0.6, score=min(1.0, max(0.0, score)), right=float(right)))
    return found


def test_a_model_without_a_record_is_worth_nothing() -> None:
    curve = fit_curve([])
    assert (curve.evidence(0.0), curve.evidence(1.0)) == (0.0, 0.0)


@given(st.lists(SAID, max_size=30), SCORES, SCORES)
def test_worth_is_bounded_and_never_falls_as_the_score_rises(
    said: list[Said], one: float, other: float
) -> None:
    curve = fit_curve(said)
    low, high = (curve.evidence(score) for score in sorted((one, other)))
    assert -MOST_EVIDENCE <= low <= high <= MOST_EVIDENCE
    assert math.isfinite(curve.center)
    assert math.isfinite(curve.slope)
    assert curve.slope >= 0


def test_a_model_whose_scores_tell_right_from_wrong_is_worth_much() -> None:
    curve = fit_curve(game(300, honest=True))
    assert curve.slope > 1.0
    assert curve.evidence(0.8) > 0.5
    assert curve.evidence(0.2) < -0.5


def test_a_model_whose_scores_have_nothing_to_do_with_it_is_worth_little() -> None:
    curve = fit_curve(game(300, honest=False))
    assert abs(curve.evidence(0.9)) < 0.3
    assert abs(curve.evidence(0.1)) < 0.3


def test_a_model_that_says_the_opposite_is_worth_nothing() -> None:
    turned = [Said(prior=s.prior, score=1 - s.score, right=s.right) for s in game(300, honest=True)]
    assert fit_curve(turned).slope == 0


def test_a_model_that_always_says_the_same_is_worth_nothing() -> None:
    flattered = [Said(prior=0.5, score=1.0, right=float(n % 3 > 0)) for n in range(300)]
    assert fit_curve(flattered).evidence(1.0) == 0.0


def test_few_scores_are_worth_less_than_many() -> None:
    few, many = (fit_curve(game(count, honest=True)).slope for count in (5, 300))
    assert 0 <= few < many


@given(st.lists(SAID, max_size=30))
def test_the_share_of_the_text_stays_within_its_bounds(said: list[Said]) -> None:
    assert 0 <= fit_share(said) <= MOST_SHARE


def test_the_share_of_the_text_follows_what_texts_have_shown() -> None:
    assert fit_share([]) == TEXT_SHARE
    helpful = [Said(prior=0.5, score=0.9 if n % 2 else 0.1, right=n % 2) for n in range(400)]
    useless = [Said(prior=0.5, score=0.9 if n % 2 else 0.1, right=n % 4 < 2) for n in range(400)]
    assert fit_share(helpful) == MOST_SHARE
    assert fit_share(useless) < 0.1
