from __future__ import annotations

import numpy as np
import pytest

from scorer.training.mixture.amounts import PRIOR_AMOUNTS, amounts_by_class

NAN = np.nan


def test_what_a_class_costs_is_found_from_many_replies() -> None:
    weights = np.eye(2)[np.arange(4000) % 2]
    amounts = np.where(weights[:, :1] == 1, 10.0, 100.0)
    assert amounts_by_class(weights, amounts)[:, 0] == pytest.approx([10.0, 100.0], rel=0.05)


def test_a_class_without_amounts_is_expected_to_be_like_the_model_s_others() -> None:
    weights = np.array([[1.0, 0.0], [1.0, 0.0]])
    expected = amounts_by_class(weights, np.array([[3.0, 8.0], [5.0, 8.0]]))
    assert expected[1] == pytest.approx([4.0, 8.0])


def test_a_model_without_amounts_is_expected_to_be_like_the_other_models() -> None:
    weights = np.array([[1.0], [1.0]])
    expected = amounts_by_class(weights, np.array([[2.0, NAN, 6.0], [2.0, NAN, 6.0]]))
    assert expected[0, 1] == pytest.approx(4.0)


def test_few_amounts_weigh_little() -> None:
    weights = np.array([[1.0, 0.0], [0.0, 1.0]])
    expected = amounts_by_class(weights, np.array([[0.0], [10.0]]))
    assert expected[:, 0] == pytest.approx(
        [5 * PRIOR_AMOUNTS / (1 + PRIOR_AMOUNTS), (10 + 5 * PRIOR_AMOUNTS) / (1 + PRIOR_AMOUNTS)]
    )
