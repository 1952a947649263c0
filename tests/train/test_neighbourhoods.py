"""Neighbourhoods on queries whose places are known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

import torch

from scorer.mixture.neighbourhoods import Tally, draw_map, tally

pytestmark = pytest.mark.train


def two_crowds(count: int) -> tuple[torch.Tensor, np.ndarray]:
    """Queries about two points of the unit sphere, and which."""
    draw = np.random.default_rng(1)
    side = np.arange(count) % 2
    points = np.eye(2, 6)[side] + 0.05 * draw.standard_normal((count, 6))
    return torch.from_numpy(points.astype(np.float32)), side


def test_a_query_is_drawn_to_what_models_did_near_it_and_no_further_than_its_share() -> None:
    features, side = two_crowds(160)
    found, groups = draw_map(features, seed=0)
    targets = np.stack([side, 1 - side], axis=1).astype(np.float32)
    counted = tally(groups, len(found.places), targets, np.ones(160))
    chances = np.full((160, 2), 0.5)
    likeness = found.likeness(features)
    whole = counted.drawn(chances, likeness, 1.0)
    assert np.abs(whole - targets).max() < 0.05
    assert counted.drawn(chances, likeness, 0.0) == pytest.approx(chances)
    half = counted.drawn(chances, likeness, 0.5)
    assert half == pytest.approx((whole + chances) / 2)


def test_a_model_that_nobody_tried_keeps_its_chances() -> None:
    features, side = two_crowds(80)
    found, groups = draw_map(features, seed=0)
    targets = np.stack([side.astype(np.float32), np.full(80, np.nan)], axis=1)
    counted = tally(groups, len(found.places), targets, np.ones(80))
    drawn = counted.drawn(np.full((80, 2), 0.3), found.likeness(features), 0.75)
    assert drawn[:, 1] == pytest.approx(np.full(80, 0.3))
    assert drawn[:, 0].max() > 0.7


def test_a_weight_counts_as_so_many_repetitions() -> None:
    groups, targets = np.array([0, 0, 1]), np.array([[1.0], [0.0], [1.0]])
    weighted = tally(groups, 2, targets, np.array([3.0, 1.0, 2.0]))
    repeated = tally(groups[[0, 0, 0, 1, 2, 2]], 2, targets[[0, 0, 0, 1, 2, 2]], np.ones(6))
    for name in ("counts", "labels", "known"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name))


def test_a_neighbourhood_without_labelled_queries_counts_for_nothing() -> None:
    counted: Tally = tally(np.array([0, 0]), 2, np.array([[1.0], [1.0]]), np.ones(2))
    likeness = np.array([[0.0, 1.0]])  # the empty one is the nearer by far
    assert counted.drawn(np.array([[0.2]]), likeness, 1.0) == pytest.approx(np.array([[1.0]]))


def test_the_seed_decides_the_map() -> None:
    features, _ = two_crowds(100)
    one, other = (draw_map(features, seed=3) for _ in range(2))
    assert np.array_equal(one[0].places, other[0].places)
    assert np.array_equal(one[1], other[1])
