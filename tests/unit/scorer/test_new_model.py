from __future__ import annotations

import numpy as np
import pytest

from scorer.training.calibrate import logit, sigmoid
from scorer.training.mixture.new_model import Labelled, fit_new_model

CLASSES, MODELS = 12, 15


def pool(draw: np.random.Generator) -> np.ndarray:
    """Models that differ in ability and in one taste that the first half of the classes has."""
    ability = draw.normal(0, 1, MODELS)
    taste = draw.normal(0, 1, MODELS)
    difficulty = draw.normal(0, 1, CLASSES)
    sides = np.where(np.arange(CLASSES) < CLASSES // 2, 1.0, -1.0)
    success: np.ndarray = sigmoid(ability - difficulty[:, None] + sides[:, None] * taste)
    return success


def labelled(draw: np.random.Generator, column: np.ndarray, count: int) -> Labelled:
    class_weights = draw.dirichlet(np.full(CLASSES, 0.1), count)
    targets = (draw.random(count) < class_weights @ column).astype(float)
    return Labelled(
        class_weights=class_weights,
        targets=targets,
        weights=np.ones(count),
    )


def rows_of(queries: Labelled, rows: np.ndarray) -> Labelled:
    return Labelled(
        class_weights=queries.class_weights[rows],
        targets=queries.targets[rows],
        weights=queries.weights[rows],
    )


def left_out(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, Labelled]:
    draw = np.random.default_rng(seed)
    success = pool(draw)
    queries = labelled(draw, success[:, 0], count)
    return success[:, 0], success[:, 1:], queries


def test_two_hundred_labels_tell_a_model_that_is_like_its_pool() -> None:
    errors = []
    for seed in range(10):
        truth, others, queries = left_out(seed, 200)
        found = fit_new_model(queries, others)
        errors.append(np.abs(found - truth).mean())
    assert np.mean(errors) < 0.08


def test_more_labels_tell_more_and_none_at_all_the_mean_of_the_pool() -> None:
    def error(count: int) -> float:
        errors = []
        for seed in range(10):
            truth, others, queries = left_out(seed, count)
            found = fit_new_model(queries, others)
            errors.append(np.abs(found - truth).mean())
        return float(np.mean(errors))

    assert error(1000) < error(200) < error(20)
    draw = np.random.default_rng(1)
    success = pool(draw)
    nothing = rows_of(labelled(draw, success[:, 0], 1), np.array([], dtype=int))
    found = fit_new_model(nothing, success)
    middle = sigmoid(logit(success).mean(axis=1))
    assert found == pytest.approx(np.clip(middle, 0.01, 0.99), abs=1e-6)


def test_a_weight_counts_as_so_many_repetitions() -> None:
    _, others, queries = left_out(3, 60)
    weights = np.where(np.arange(60) % 2, 1.0, 3.0)
    weighted = Labelled(
        class_weights=queries.class_weights,
        targets=queries.targets,
        weights=weights,
    )
    repeated = rows_of(queries, np.repeat(np.arange(60), weights.astype(int)))
    one = fit_new_model(weighted, others)
    other = fit_new_model(repeated, others)
    assert one == pytest.approx(other, abs=1e-3)


def test_a_pool_of_a_single_model_can_be_joined() -> None:
    _, others, queries = left_out(2, 200)
    found = fit_new_model(queries, others[:, :1])
    assert np.isfinite(found).all()
    assert float((queries.class_weights @ found).mean()) == pytest.approx(
        float(queries.targets.mean()), abs=0.05
    )


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_labels_that_are_all_the_same_stay_within_certainty(score: float) -> None:
    _, others, queries = left_out(2, 200)
    same = Labelled(
        class_weights=queries.class_weights,
        targets=np.full(200, score),
        weights=queries.weights,
    )
    found = fit_new_model(same, others)
    assert ((found >= 0.0099) & (found <= 0.9901)).all()
    assert abs(float((same.class_weights @ found).mean()) - score) < 0.1
