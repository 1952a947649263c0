from __future__ import annotations

import numpy as np
import pytest

from scorer.training.mixture.skills import (
    OTHER_SKILL,
    ROWS_PER_CLASS,
    fit_skills,
    skill_means,
    skill_rows,
)


def test_small_tasks_are_one_skill_together() -> None:
    tasks = ["big"] * ROWS_PER_CLASS + ["small"] * 3 + ["tiny"]
    names, rows = skill_rows(tasks)
    assert names == ("big", OTHER_SKILL)
    assert rows.tolist() == [0] * ROWS_PER_CLASS + [1] * 4


def test_a_skill_has_as_many_classes_as_its_rows_allow() -> None:
    tasks = ["large"] * 400 + ["small"] * 60
    targets = np.random.default_rng(1).integers(0, 2, (460, 3)).astype(np.float32)
    table = fit_skills(tasks, targets, np.ones(460), max_classes=4, seed=1)
    assert table.skills == ("large", "small")
    assert np.bincount(table.skill_of_class).tolist() == [4, 2]
    assert table.success.shape == (6, 3)
    assert table.shares[:4].sum() == pytest.approx(1.0)


def test_a_model_without_labels_in_a_skill_is_guessed_by_its_ability_and_the_difficulty() -> None:
    draw = np.random.default_rng(2)
    rows = np.repeat([0, 1], 2000)
    chances = np.array([[0.9, 0.5, 0.9], [0.5, 0.1, 0.5]])[rows]
    targets = (draw.random(chances.shape) < chances).astype(np.float32)
    targets[rows == 1, 2] = np.nan  # as able as the first model, and never tried on the hard skill
    means = skill_means(targets, np.ones(4000), rows, 2)
    assert means[1, 2] == pytest.approx(0.5, abs=0.1)
    assert means[0] == pytest.approx([0.9, 0.5, 0.9], abs=0.03)


def test_a_weight_counts_as_so_many_repetitions() -> None:
    draw = np.random.default_rng(3)
    targets = draw.integers(0, 2, (40, 3)).astype(np.float32)
    rows = np.arange(40) % 2
    weights = np.where(np.arange(40) < 20, 2.0, 1.0)
    again = np.repeat(np.arange(40), weights.astype(int))
    one = skill_means(targets, weights, rows, 2)
    assert one == pytest.approx(skill_means(targets[again], np.ones(60), rows[again], 2))
