from __future__ import annotations

import numpy as np
import pytest

from scorer.runtime.team_rule import TeamRule, team_columns
from scorer.training.mixture.classes import best_rule

ONES = np.ones(100)


def team_of(rule: TeamRule, count: int) -> list[list[int]]:
    """Of three models: the first two are good at the same, and the third where both fail."""
    columns = team_columns(
        rule,
        class_weights=np.array([[0.7, 0.3]]),
        success=np.array([[0.9, 0.85, 0.1], [0.2, 0.2, 0.8]]),
        scores=np.array([[0.69, 0.65, 0.31]]),
        count=count,
    )
    found: list[list[int]] = columns.tolist()
    return found


def test_the_rule_decides_who_joins_the_best_model() -> None:
    assert team_of(TeamRule.COVERING, 2) == [[0, 2]]
    assert team_of(TeamRule.BEST_SCORES, 2) == [[0, 1]]


@pytest.mark.parametrize("rule", TeamRule)
def test_a_team_of_all_has_every_model_and_none_is_larger(rule: TeamRule) -> None:
    (team,) = team_of(rule, 3)
    assert sorted(team) == [0, 1, 2]
    with pytest.raises(ValueError, match="4 models were asked for; there are 3"):
        team_of(rule, 4)


COVERING = np.tile([0, 4, 5], (100, 1))
SCORES = np.tile([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], (100, 1))
"""Of six models: 0, 4 and 5 cover one another; 0, 1 and 2 have the best scores."""


def test_right_and_wrong_answers_ask_for_models_that_cover_one_another() -> None:
    targets = np.tile([1.0, 1.0, 1.0, 1.0, 0.0, 0.0], (100, 1))
    targets[:40] = 1 - targets[:40]
    assert best_rule(COVERING, SCORES, targets, ONES) is TeamRule.COVERING


def test_grades_of_which_only_the_highest_counts_ask_for_the_best_scores() -> None:
    targets = np.tile([0.90, 0.91, 0.89, 0.88, 0.30, 0.20], (100, 1))
    assert best_rule(COVERING, SCORES, targets, ONES) is TeamRule.BEST_SCORES


def test_where_both_do_as_well_models_cover_one_another() -> None:
    assert best_rule(COVERING, SCORES, np.ones((100, 6)), ONES) is TeamRule.COVERING


def test_the_best_scores_are_those_of_models_with_a_label() -> None:
    targets = np.tile([np.nan, 0.0, np.nan, 0.0, 0.0, 1.0], (100, 1))
    covering = np.tile([1, 3, 4], (100, 1))
    assert best_rule(covering, SCORES, targets, ONES) is TeamRule.COVERING
    assert best_rule(covering, SCORES[:, ::-1], targets, ONES) is TeamRule.BEST_SCORES
    second = np.tile([np.nan, 0.0, np.nan, 0.0, 1.0, 0.0], (100, 1))
    covering = np.tile([1, 3, 5], (100, 1))
    assert best_rule(covering, SCORES[:, ::-1], second, ONES) is TeamRule.BEST_SCORES
