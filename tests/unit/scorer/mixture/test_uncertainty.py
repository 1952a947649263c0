from __future__ import annotations

import numpy as np
import pytest

from scorer.runtime.uncertainty import MANY_SKILLS, skill_entropy


def test_a_query_of_one_skill_is_certain_whatever_its_classes() -> None:
    weights = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    assert skill_entropy(weights, [2, 1]) == pytest.approx([0.0, 0.0], abs=1e-9)


def test_a_query_of_every_skill_alike_is_as_uncertain_as_can_be() -> None:
    weights = np.array([[0.1, 0.4, 0.5], [0.45, 0.45, 0.1]])
    even, uneven = skill_entropy(weights, [2, 1])
    assert even == pytest.approx(1.0)
    assert 0 < uneven < even


def test_with_a_single_skill_nothing_is_uncertain() -> None:
    assert skill_entropy(np.array([[0.3, 0.7]]), [2]).tolist() == [0.0]


def test_a_query_of_many_skills_alike_is_as_uncertain_however_many_others_there_are() -> None:
    weights = np.zeros((1, 64))
    weights[0, :MANY_SKILLS] = 1 / MANY_SKILLS
    assert skill_entropy(weights, [1] * 64).tolist() == pytest.approx([1.0])
    few = np.zeros((1, 64))
    few[0, :2] = 0.5
    assert 0.3 < skill_entropy(few, [1] * 64)[0] < 0.4
