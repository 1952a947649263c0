"""The rebuilt loop scores as the published one: its worked example, by hand, to four places."""

from __future__ import annotations

import pytest

from tests.bench.reference_loop import Said, updated

ROUTER = {"A": 0.7966, "B": 0.7381, "C": 0.7277, "D": 0.2416, "E": 0.1856}
"""The mapped scores of cosines 0.40, 0.10, 0.05, -0.20 and -0.50."""
FIRST = {"A": Said("a", 0.8, []), "B": Said("b", 0.9, []), "C": Said("c", None, [])}


def test_a_first_round_mixes_the_routers_score_with_the_models_own() -> None:
    scores = updated(ROUTER, ROUTER, FIRST, {})
    assert [scores[m] for m in "ABC"] == pytest.approx([0.7970, 0.7543, 0.7349], abs=1e-4)
    assert (scores["D"], scores["E"]) == (ROUTER["D"], ROUTER["E"])


def test_a_second_round_counts_the_grades_of_the_model_that_is_surest_of_itself() -> None:
    after_first = updated(ROUTER, ROUTER, FIRST, {})
    second = {
        "A": Said("a", 0.85, []),
        "B": Said("b", 0.60, []),
        "C": Said("c", 0.90, [0.70, 0.40, 0.95]),
    }
    scores = updated(ROUTER, after_first, second, FIRST)
    assert [scores[m] for m in "ABC"] == pytest.approx([0.7692, 0.5445, 0.8794], abs=1e-4)
    assert [scores[m] for m in "DE"] == pytest.approx([0.3991, 0.3599], abs=1e-4)
