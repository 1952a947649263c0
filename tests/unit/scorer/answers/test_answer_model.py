"""The answer scorer in numpy: bounds of what a text can do, and models that are not known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scorer.answers.answer_model import MAX_GAIN, MAX_LOSS, log_odds
from scorer.answers.answer_scores import answer_scores
from tests.unit.scorer.answers.handmade import HEDGED, PLAIN, handmade


def score(text: str, *, model: str = "a", prior: float = 0.6, strength: float = 2.0) -> float:
    return answer_scores(handmade(strength), "What is 4 + 4?", {model: text}, {model: prior})[model]


def test_an_answer_without_evidence_keeps_the_prior_score() -> None:
    assert score(PLAIN) == pytest.approx(0.6)
    assert score("") == pytest.approx(0.6)


def test_a_text_moves_the_log_odds_of_the_prior_within_bounds() -> None:
    for prior in (0.0, 0.2, 0.9, 1.0):
        odds = log_odds(np.array(prior))
        lowest, highest = (float(odds + gain) for gain in (-MAX_LOSS, MAX_GAIN))
        assert log_odds(np.array(score(HEDGED, prior=prior, strength=99))) == pytest.approx(
            max(lowest, log_odds(np.array(0.0)))
        )
        assert log_odds(np.array(score(HEDGED, prior=prior, strength=-99))) == pytest.approx(
            min(highest, log_odds(np.array(1.0)))
        )


def test_half_of_the_evidence_counts_for_a_model_that_is_not_known() -> None:
    prior, known, unknown = (
        float(log_odds(np.array(each)))
        for each in (0.6, score(HEDGED, strength=0.5), score(HEDGED, model="z", strength=0.5))
    )
    assert known < unknown < prior
    assert prior - unknown == pytest.approx((prior - known) / 2)


def test_weights_that_overflow_say_nothing() -> None:
    model = dataclasses.replace(handmade(), linear=np.full_like(handmade().linear, np.nan))
    assert answer_scores(model, "q", {"a": HEDGED}, {"a": 0.6})["a"] == pytest.approx(0.6)
