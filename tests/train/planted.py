"""Labelled queries of two kinds, and how good each of three models is at either."""

from __future__ import annotations

import numpy as np

from scorer.training.mixture.examples import Examples, make_examples
from scorer.training.recipe import LearnerConfig

CONFIG = LearnerConfig(ngram_buckets=1024, projection_width=16, class_ridges=(3.0,), folds=2)
TOPICS = {"sums": ("add", "sum", "integral", "prove"), "poems": ("verse", "rhyme", "poem", "ode")}
CHANCES = {"sums": (0.9, 0.2, 0.6), "poems": (0.2, 0.9, 0.6)}


def planted(count: int, *, seed: int, tell: bool = True) -> Examples:
    """Two kinds of query that words tell apart; unless ``tell``, labels have nothing to do with it."""
    draw = np.random.default_rng(seed)
    tasks = [("sums", "poems")[draw.integers(2)] for _ in range(count)]
    texts = [
        " ".join([*draw.choice(TOPICS[task], 4), *draw.choice(("the", "of", "a"), 3), str(row)])
        for row, task in enumerate(tasks)
    ]
    chances = np.array([CHANCES[task] if tell else (0.5, 0.55, 0.5) for task in tasks])
    return make_examples(
        texts,
        tasks,
        targets=(draw.random(chances.shape) < chances).astype(np.float32),
        weights=np.ones(count),
        ngram_buckets=CONFIG.ngram_buckets,
        embeddings=None,
    )
