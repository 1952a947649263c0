from __future__ import annotations

import numpy as np
import pytest

from scorer.training.mixture import success
from scorer.training.mixture.success import PANEL_ROWS, PRIOR_LABELS, success_by_kind


def success_of(targets: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    return success_by_kind(np.eye(int(kinds.max()) + 1)[kinds], targets)


def test_many_labels_of_a_kind_tell_the_chance_of_each_model_there() -> None:
    draw = np.random.default_rng(1)
    kinds = np.repeat([0, 1], 4000)
    chances = np.array([[0.9, 0.2, 0.6], [0.1, 0.7, 0.6]])
    targets = (draw.random((8000, 3)) < chances[kinds]).astype(np.float32)
    assert success_of(targets, kinds) == pytest.approx(chances, abs=0.03)


def test_few_labels_of_a_kind_leave_the_order_of_the_models_as_it_is_on_average() -> None:
    draw = np.random.default_rng(2)
    kinds = np.repeat([0, 1], [2000, 2])
    targets = (draw.random((2002, 2)) < [0.8, 0.5]).astype(np.float32)
    targets[kinds == 1] = [0.0, 1.0]  # two queries on which the weaker model is the better one
    best_on_average, other = success_of(targets, kinds)[1]
    assert PRIOR_LABELS > 2
    assert best_on_average > other


def test_a_kind_that_is_hard_for_all_models_is_hard_for_one_without_labels_there() -> None:
    draw = np.random.default_rng(3)
    kinds = np.repeat([0, 1], 2000)
    chances = np.array([[0.9, 0.5, 0.9], [0.5, 0.1, 0.5]])[kinds]
    targets = (draw.random(chances.shape) < chances).astype(np.float32)
    targets[kinds == 1, 2] = np.nan  # as able as the first model, and never tried on the hard kind
    found = success_of(targets, kinds)
    assert found[1, 2] == pytest.approx(0.5, abs=0.1)
    assert found[0] == pytest.approx([0.9, 0.5, 0.9], abs=0.03)


def test_a_weight_counts_as_so_many_repetitions() -> None:
    draw = np.random.default_rng(4)
    targets = draw.integers(0, 2, (60, 3)).astype(np.float32)
    targets[::7, 1] = np.nan
    kinds = np.eye(2)[np.arange(60) % 2]
    weights = np.where(np.arange(60) < 20, 2.0, 1.0)
    again = np.repeat(np.arange(60), weights.astype(int))
    weighted = success_by_kind(kinds * weights[:, None], targets)
    assert weighted == pytest.approx(success_by_kind(kinds[again], targets[again]))


def test_without_any_label_every_chance_is_even() -> None:
    targets = np.full((5, 2), np.nan)
    assert success_by_kind(np.ones((5, 1)), targets) == pytest.approx(np.full((1, 2), 0.5))


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_labels_that_are_all_the_same_are_no_certainty(label: float) -> None:
    found = success_by_kind(np.ones((10_000, 1)), np.full((10_000, 2), label))
    assert found == pytest.approx(np.full((1, 2), 0.99 if label else 0.01))


def test_two_files_of_one_kind_may_differ_in_difficulty() -> None:
    draw = np.random.default_rng(5)
    targets = np.full((4000, 3), np.nan, dtype=np.float32)
    # The last model was only asked easy questions and is as able as the one that was asked both.
    targets[:2000, :2] = draw.random((2000, 2)) < [0.5, 0.4]
    targets[2000:, 1:] = draw.random((2000, 2)) < [0.9, 0.9]
    (found,) = success_by_kind(np.ones((4000, 1)), targets)
    assert found[1] == pytest.approx(0.65, abs=0.03)
    assert found[2] == pytest.approx(found[1], abs=0.03)


def test_rows_with_labels_of_the_same_models_are_a_panel_and_all_few_ones_are_one() -> None:
    targets = np.ones((2 * PANEL_ROWS + 4, 3))
    targets[:PANEL_ROWS, 0] = np.nan
    targets[-4:-2, 1] = np.nan
    targets[-2:, 2] = np.nan
    few, *large = success._panels(~np.isnan(targets))
    assert few.tolist() == list(range(2 * PANEL_ROWS, 2 * PANEL_ROWS + 4))
    assert sorted(map(len, large)) == [PANEL_ROWS, PANEL_ROWS]
