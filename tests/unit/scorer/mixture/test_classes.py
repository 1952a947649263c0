from __future__ import annotations

import numpy as np
import pytest

from scorer.runtime.max_coverage import complementary_models
from scorer.training.mixture.classes import Patterns, find_patterns

CHANCES = np.full((800, 3), 0.6)


def opposed(seed: int) -> np.ndarray:
    """Models as good as one another: the first two fail on the same queries, the third on the rest."""
    draw = np.random.default_rng(seed)
    side = draw.random(800) < 0.5
    targets = np.stack([side, side, ~side], axis=1) ^ (draw.random((800, 3)) < 0.1)
    return targets.astype(np.float32)


def test_models_that_fail_together_are_not_taken_together() -> None:
    patterns = find_patterns(CHANCES, opposed(1), seed=0)
    success = np.array([[0.6, 0.59, 0.5]])
    weights = patterns.split_weights(np.ones((1, 1)))
    assert complementary_models(weights, patterns.split(success), count=2).tolist() == [[0, 2]]
    assert complementary_models(np.ones((1, 1)), success, count=2).tolist() == [[0, 1]]


def test_the_mean_of_the_classes_is_the_chance_of_the_kind() -> None:
    patterns = find_patterns(CHANCES, opposed(2), seed=0)
    success = np.array([[0.9, 0.2, 0.5], [0.05, 0.95, 0.6]])
    assert len(patterns.shares) == 4
    means = patterns.split_weights(np.eye(2)) @ patterns.split(success)
    assert means == pytest.approx(success, abs=1e-3)
    assert patterns.split_weights(np.eye(2)).sum(axis=1) == pytest.approx([1.0, 1.0])


def test_missing_labels_and_few_rows_do_no_harm() -> None:
    targets = opposed(3)
    targets[:, 1] = np.nan
    patterns = find_patterns(CHANCES, targets, seed=0)
    assert patterns.shifts[:, 1] == pytest.approx(np.zeros(4))
    few = find_patterns(CHANCES[:20], targets[:20], seed=0)
    assert few.shares.tolist() == [1.0]


def test_one_class_is_the_kind_itself() -> None:
    alone = Patterns(shares=np.ones(1), shifts=np.zeros((1, 2)))
    success = np.array([[0.3, 0.8]])
    assert alone.split(success) == pytest.approx(success)
    assert alone.split_weights(np.array([[1.0]])).tolist() == [[1.0]]
