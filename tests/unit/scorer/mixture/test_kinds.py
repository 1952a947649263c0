from __future__ import annotations

import numpy as np
import pytest

from scorer.training.mixture.clusters import cluster
from scorer.training.mixture.kinds import Kinds, find_kinds


def crowd(axes: tuple[int, ...], count: int, *, seed: int = 1) -> np.ndarray:
    """Unit-length points near some axes of the sphere, in turn."""
    draw = np.random.default_rng(seed)
    points = np.eye(9)[np.resize(axes, count)] + 0.05 * draw.standard_normal((count, 9))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    unit: np.ndarray = points.astype(np.float32)
    return unit


def found_in(points: np.ndarray, count: int) -> Kinds:
    return find_kinds(points, np.ones(len(points)), count, seed=0)


def test_each_group_of_like_queries_is_a_kind() -> None:
    found = found_in(crowd((0, 3, 6), 300), 3)
    weights = found.shares(crowd((0, 3, 6), 30, seed=2))
    nearest = weights.argmax(axis=1)
    assert sorted(nearest[:3]) == [0, 1, 2]
    assert (nearest.reshape(-1, 3) == nearest[:3]).all()
    assert weights.max(axis=1).min() > 0.9
    assert weights.sum(axis=1) == pytest.approx(np.ones(30))


def test_a_rare_kind_is_found_beside_two_common_ones() -> None:
    points = np.concatenate([crowd((0, 1), 1000), crowd((5,), 12)])
    groups = cluster(points, 3, seed=0)
    assert len(set(groups[1000:])) == 1
    assert groups[1000] not in groups[:1000]


def test_a_query_far_from_every_kind_is_shared_out_as_the_average_query() -> None:
    points = crowd((0, 0, 0, 1), 400)
    found = found_in(points, 2)
    strange, usual = found.shares(crowd((7,), 20)), found.shares(points)
    assert strange == pytest.approx(np.tile(found.average, (20, 1)), abs=0.05)
    assert sorted(found.average) == pytest.approx([0.25, 0.75], abs=0.05)
    assert (usual.max(axis=1) > 0.8).mean() > 0.95


def test_a_text_without_any_feature_is_of_an_unknown_kind() -> None:
    found = found_in(crowd((0, 1), 100), 2)
    (weights,) = found.shares(np.zeros((1, 9), dtype=np.float32))
    assert weights == pytest.approx(found.average, abs=0.01)


def test_a_weight_counts_in_the_average_query() -> None:
    points = crowd((0, 1), 100)
    weights = np.where(np.arange(100) % 2, 3.0, 1.0)
    found = find_kinds(points, weights, 2, seed=0)
    assert sorted(found.average) == pytest.approx([0.25, 0.75], abs=0.05)


def test_fewer_queries_than_kinds_are_a_kind_each() -> None:
    points = np.eye(9, dtype=np.float32)[:3]
    assert len(found_in(points, 16).centres) == 3
    assert len(found_in(np.repeat(points[:1], 5, axis=0), 16).centres) == 1
