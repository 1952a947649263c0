from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scorer.evaluation.methods.baselines import BestPerTask, BestSingle, Chance
from scorer.evaluation.methods.knn import NearestNeighbours
from scorer.measures.ranking import ranking_figures
from scorer.training.neighbours import Neighbours
from tests.unit.scorer.evaluation.toy import MODELS, toy_dataset, toy_pool

POOL = toy_pool()
TEST = POOL.tests["test"]


def test_best_single_ranks_by_the_training_means() -> None:
    scores = BestSingle().fit(POOL.train, seed=0).predict(TEST.queries())
    assert scores[0] == pytest.approx(POOL.train.targets.mean(axis=0))
    assert (scores == scores[0]).all()
    assert MODELS[int(scores[0].argmax())] == "steady"


def test_best_per_task_ranks_by_the_means_of_the_task() -> None:
    train = toy_dataset(40, seed=1)
    targets = np.zeros((40, 4), dtype=np.float32)
    in_b = np.array(train.tasks) == "b"
    targets[in_b, 1] = 1
    targets[~in_b, 2] = 1
    fitted = BestPerTask().fit(dataclasses.replace(train, targets=targets), seed=0)
    chosen = fitted.predict(train.queries()).argmax(axis=1)
    assert (chosen[in_b] == 1).all()
    assert (chosen[~in_b] == 2).all()
    unseen = dataclasses.replace(train.take([0]).queries(), tasks=("new",))
    assert fitted.predict(unseen).argmax() == 2


def test_chance_is_another_order_for_another_seed() -> None:
    first, second = (Chance().fit(POOL.train, seed=n).predict(TEST.queries()) for n in (0, 1))
    assert (first.argmax(axis=1) != second.argmax(axis=1)).any()
    assert first.shape == TEST.targets.shape


def test_nearest_neighbours_beat_the_best_single_model() -> None:
    found = [
        ranking_figures(
            method.fit(POOL.train, seed=0).predict(TEST.queries()), TEST.targets
        ).mean_score
        for method in (NearestNeighbours(), BestSingle(), Chance())
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.75


def test_neighbours_without_a_label_say_nothing_of_a_model() -> None:
    neighbours = Neighbours(
        features=np.eye(3, dtype=np.float32),
        targets=np.array([[1, np.nan], [0, np.nan], [0.5, 0.25]], dtype=np.float32),
        k=2,
    )
    features = np.array([[0.8, 0.6, 0]], dtype=np.float32)
    assert neighbours.scores(features).tolist() == [[0.5, 0.25]]
