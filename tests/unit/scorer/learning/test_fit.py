"""The correction: what labels move, what they leave, and whom they believe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from scorer.learning.change_point import find_changes
from scorer.learning.fit import fit
from scorer.learning.labels import Labels
from scorer.training.calibrate import sigmoid

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

KINDS, MODELS, TENANTS = 4, 3, 5


def one_kind_each(count: int, draw: np.random.Generator) -> Floats:
    return np.eye(KINDS)[draw.integers(KINDS, size=count)]


def labels_of(models: npt.NDArray[np.intp], values: Floats, raters: object = 0) -> Labels:
    return Labels(
        rows=np.arange(len(models)),
        models=models,
        raters=np.broadcast_to(np.asarray(raters, dtype=np.intp), len(models)),
        values=values,
        weights=np.ones(len(models)),
        rater_count=TENANTS,
    )


def traffic(
    success: Floats, count: int, *, wrong: float = 0.0, seed: int = 0
) -> tuple[Floats, Labels]:
    """Returns the shares of queries and labels of models that are drawn at random."""
    draw = np.random.default_rng(seed)
    shares, models = one_kind_each(count, draw), draw.integers(MODELS, size=count)
    chances = (shares @ success.T)[np.arange(count), models]
    values = (draw.random(count) < chances).astype(float)
    values = np.where(draw.random(count) < wrong, 1 - values, values)
    return shares, labels_of(models, values, draw.integers(TENANTS, size=count))


def flat(shares: Floats, score: float = 0.5) -> Floats:
    return np.full((len(shares), MODELS), np.log(score / (1 - score)))


def test_without_labels_nothing_moves() -> None:
    shares = np.eye(KINDS)
    nothing = labels_of(np.zeros(0, dtype=np.intp), np.zeros(0))
    found = fit(flat(shares), shares, nothing, known=MODELS)
    assert not found.correction.shifts.any()


def test_a_model_without_a_label_keeps_its_prior() -> None:
    shares, labels = traffic(np.full((MODELS, KINDS), 0.9), 400)
    kept = labels.take(labels.models != 2)
    found = fit(flat(shares), shares, kept, known=MODELS).correction.shifts
    assert not found[2].any()
    assert (found[:2] > 0).all()


def test_the_better_model_of_each_kind_is_found_despite_wrong_feedback() -> None:
    success = np.full((MODELS, KINDS), 0.4)
    success[[0, 1, 2, 0], np.arange(KINDS)] = 0.9
    shares, labels = traffic(success, 3_000, wrong=0.2)
    shifts = fit(flat(shares), shares, labels, known=0).correction.shifts
    assert shifts.argmax(axis=0).tolist() == [0, 1, 2, 0]


def test_wrong_feedback_does_not_draw_labelled_models_below_equal_ones() -> None:
    prior = np.array([0.9, 0.5, 0.9])
    draw = np.random.default_rng(1)
    shares = one_kind_each(2_000, draw)
    logits = np.tile(np.log(prior / (1 - prior)), (len(shares), 1))
    models = draw.integers(2, size=len(shares))  # the third one has no label
    values = (draw.random(len(shares)) < prior[models]).astype(float)
    values = np.where(draw.random(len(shares)) < 0.2, 1 - values, values)
    found = fit(logits, shares, labels_of(models, values), known=MODELS)
    scores = sigmoid(logits + shares @ found.correction.shifts.T).mean(axis=0)
    assert scores[0] == pytest.approx(scores[2], abs=0.05)


def test_a_tenant_that_votes_for_a_model_moves_nobody() -> None:
    success = np.tile([[0.8], [0.6], [0.2]], (1, KINDS))
    shares, labels = traffic(success, 2_000, wrong=0.2)
    votes = np.where(labels.raters == 0, (labels.models == 2).astype(float), labels.values)
    attacked = labels_of(labels.models, votes, labels.raters)
    honest = fit(flat(shares), shares, labels.take(labels.raters != 0), known=0)
    found = fit(flat(shares), shares, attacked, known=0)
    assert found.trust[0] < 0.2
    assert (found.trust[1:] > 0.9).all()
    before, after = (sigmoid(each.correction.shifts).mean(axis=1) for each in (honest, found))
    assert np.abs(before - after).max() < 0.03


def test_old_labels_of_a_model_that_became_worse_are_dropped() -> None:
    draw = np.random.default_rng(2)
    success = np.tile([[0.9], [0.6], [0.5]], (1, KINDS))
    shares, labels = traffic(success, 3_000)
    swapped = (labels.models == 0) & (np.arange(3_000) >= 2_400)
    values = np.where(swapped, (draw.random(3_000) < 0.3).astype(float), labels.values)
    found = fit(flat(shares), shares, labels_of(labels.models, values), known=0)
    assert set(found.changes) == {0}
    assert abs(found.changes[0].row - 2_400) < 300
    assert found.correction.shifts[0].mean() < found.correction.shifts[1].mean()


def test_a_model_that_never_changes_raises_no_alarm() -> None:
    draw = np.random.default_rng(3)
    for chance in (0.2, 0.5, 0.8):
        assert find_changes((draw.random(5_000) < chance).astype(float)) == ()


def test_a_change_is_found_once_and_soon() -> None:
    draw = np.random.default_rng(4)
    values = np.concatenate([draw.random(1_000) < 0.8, draw.random(1_000) < 0.4]).astype(float)
    (change,) = find_changes(values)
    assert abs(change.first - 1_000) < 100
    assert 1_000 < change.seen < 1_200
    assert change.after < change.before


def test_tenants_that_all_contradict_the_artifact_are_believed() -> None:
    success = np.tile([[0.02], [0.98], [0.02]], (1, KINDS))
    shares, labels = traffic(success, 800)
    logits = np.tile([1.0, -1.0, 0.5], (len(shares), 1))
    found = fit(logits, shares, labels, known=MODELS)
    assert (found.trust > 0.9).all()
    scores = sigmoid(logits + shares @ found.correction.shifts.T).mean(axis=0)
    assert scores.argmax() == 1
    assert scores[1] > 0.8
