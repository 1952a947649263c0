"""A pool that can be learned: which of two models is right shows in the features."""

from __future__ import annotations

import numpy as np

from scorer.data.records import Record
from scorer.evaluation.dataset import Dataset, Pool
from scorer.evaluation.pools import Average

MODELS = ("always weak", "left", "right", "steady")


def toy_dataset(count: int, *, seed: int, average: Average = Average.MICRO) -> Dataset:
    """Model ``left`` is right on one half of the space and ``right`` on the other."""
    draw = np.random.default_rng(seed)
    features = draw.normal(size=(count, 12))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    side = features[:, 0] > 0
    chances = np.stack(
        [
            np.full(count, 0.05),
            np.where(side, 0.95, 0.1),
            np.where(side, 0.1, 0.95),
            np.full(count, 0.6),
        ],
        axis=1,
    )
    targets = (draw.random((count, 4)) < chances).astype(np.float32)
    tasks = tuple("a" if row % 4 else "b" for row in range(count))
    texts = tuple(f"query {seed} {row}" for row in range(count))
    records = tuple(
        Record(
            id=text,
            task=task,
            query=text,
            scores=dict(zip(MODELS, map(float, scores), strict=True)),
        )
        for text, task, scores in zip(texts, tasks, targets, strict=True)
    )
    return Dataset(
        texts=texts,
        tasks=tasks,
        features=features.astype(np.float32),
        records=records,
        model_ids=MODELS,
        targets=targets,
        costs_usd=np.tile(np.array([0.1, 1.0, 1.0, 5.0], dtype=np.float32), (count, 1)),
        completion_tokens=None,
        average=average,
    )


def toy_pool(average: Average = Average.MICRO) -> Pool:
    """Enough to learn from, and two tests."""
    return Pool(
        name="toy",
        train=toy_dataset(600, seed=1, average=average),
        tests={
            "test": toy_dataset(300, seed=2, average=average),
            "test_ood": toy_dataset(90, seed=3, average=average),
        },
    )
