from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from scorer.training.mixture.classes import LARGEST_CERTAINTY, fit_classes

if TYPE_CHECKING:
    import numpy.typing as npt

PLANTED = np.array([[0.95, 0.9, 0.9, 0.9], [0.05, 0.9, 0.1, 0.1]])


def planted(seed: int, rows: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    classes = (draw.random(rows) < 0.3).astype(int)
    targets: np.ndarray = (draw.random((rows, 4)) < PLANTED[classes]).astype(np.float32)
    targets[draw.random((rows, 4)) < 0.2] = np.nan
    targets[np.isnan(targets).all(axis=1), 0] = 1.0
    labels: np.ndarray = targets
    return labels


def fitted(targets: np.ndarray, weights: np.ndarray, count: int = 2) -> npt.NDArray[np.float64]:
    means = np.nanmean(targets, axis=0)
    found = fit_classes(targets, weights, count, means=means, seed=1)
    assert found.shares.sum() == pytest.approx(1.0)
    order = np.argsort(-found.success[:, 0])
    table: npt.NDArray[np.float64] = np.column_stack([found.shares, found.success])[order]
    return table


def test_planted_classes_are_found_though_a_fifth_of_the_labels_is_missing() -> None:
    found = fitted(planted(1, 3000), np.ones(3000))
    assert found[:, 0] == pytest.approx([0.7, 0.3], abs=0.05)
    assert found[:, 1:] == pytest.approx(PLANTED, abs=0.06)


def test_a_weight_counts_as_so_many_repetitions_where_there_is_one_class() -> None:
    targets = planted(2, 200)
    weights = np.where(np.arange(200) % 2, 1.0, 3.0)
    means = np.full(4, 0.5)
    one = fit_classes(targets, weights, 1, means=means, seed=1)
    repeated = np.repeat(targets, weights.astype(int), axis=0)
    other = fit_classes(repeated, np.ones(len(repeated)), 1, means=means, seed=1)
    assert one.success == pytest.approx(other.success)


def test_a_model_without_a_label_is_taken_for_what_it_is_on_average() -> None:
    targets = planted(3, 100)
    targets[:, 3] = np.nan
    found = fit_classes(targets, np.ones(100), 2, means=np.full(4, 0.6), seed=1)
    assert found.success[:, 3] == pytest.approx([0.6, 0.6])


def test_no_model_is_certain() -> None:
    found = fit_classes(np.ones((500, 2)), np.ones(500), 1, means=np.ones(2), seed=1)
    assert (found.success <= LARGEST_CERTAINTY).all()
