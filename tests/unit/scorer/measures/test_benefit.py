from __future__ import annotations

import numpy as np
import pytest

from scorer.export.benefit_gate import WorseError, require_benefit
from scorer.measures.benefit import Benefit, Verdict, benefit_in, benefit_of
from scorer.measures.intervals import Interval

ROWS = 400


def measured(chance: float, *, single: float = 0.5, knn: float = 0.5) -> Benefit:
    draw = np.random.default_rng(1)
    outcomes = draw.random((ROWS, 3)) < (chance, single, knn)
    return benefit_of(outcomes.astype(np.float64), np.ones(ROWS))


def test_a_clear_gain_is_better_a_clear_loss_worse_and_the_rest_unclear() -> None:
    assert measured(0.9).verdict is Verdict.BETTER
    assert measured(0.1).verdict is Verdict.WORSE
    assert measured(0.5).verdict is Verdict.UNCLEAR


def test_a_gain_is_the_difference_of_the_weighted_means() -> None:
    outcomes = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]])
    found = benefit_of(outcomes, np.array([3.0, 1.0]))
    assert found.score == pytest.approx(0.75)
    assert found.over_best_single.mean == pytest.approx(0.5)
    assert found.over_knn.mean == pytest.approx(0.25)
    assert found.over_best_single.low <= 0.5 <= found.over_best_single.high


def test_equal_choices_are_no_gain() -> None:
    outcomes = np.tile(np.random.default_rng(1).random(50)[:, None], 3)
    found = benefit_of(outcomes, np.ones(50))
    assert found.over_best_single == Interval(mean=0.0, low=0.0, high=0.0)
    assert found.verdict is Verdict.UNCLEAR


def test_the_figures_of_a_benefit_give_it_back_and_older_figures_have_none() -> None:
    found = measured(0.9)
    assert benefit_in({"validation_loss": 0.5, **found.figures}) == found
    assert benefit_in({"validation_loss": 0.5}) is None


def test_a_worse_scorer_is_refused_unless_it_is_wanted_and_a_doubtful_one_warned_of() -> None:
    def warnings(found: Benefit | None, *, even_if_worse: bool = False) -> list[str]:
        said: list[str] = []
        require_benefit(
            found.figures if found else {},
            best_single="org/large",
            even_if_worse=even_if_worse,
            warn=said.append,
        )
        return said

    assert warnings(measured(0.9)) == []
    with pytest.raises(
        WorseError, match=r"worse than always taking org/large: -\d.* --even-if-wor"
    ):
        warnings(measured(0.1))
    (said,) = warnings(measured(0.1, knn=0.1), even_if_worse=True)
    assert "is worse than always taking org/large" in said
    (said,) = warnings(measured(0.5))
    assert "is not shown to be better than always taking org/large" in said
    (said,) = warnings(measured(0.9, knn=0.99))
    assert "nearest neighbours choose better" in said
    (said,) = warnings(None)
    assert "did not measure" in said
