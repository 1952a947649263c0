"""Labelled queries of two kinds, and how good each of three models is at either."""

from __future__ import annotations

import numpy as np

from scorer.training.mixture.examples import Examples, make_examples
from scorer.training.recipe import LearnerConfig

CONFIG = LearnerConfig(ngram_buckets=1024, projection_width=16)
TOPICS = {"sums": ("add", "sum", "integral", "prove"), "poems": ("verse", "rhyme", "poem", "ode")}
CHANCES = {"sums": (0.9, 0.2, 0.6), "poems": (0.2, 0.9, 0.6)}


def kinds_of(count: int, *, seed: int) -> list[str]:
    """Returns the kind of each query of ``planted``."""
    draw = np.random.default_rng(seed)
    return [("sums", "poems")[draw.integers(2)] for _ in range(count)]


def planted(count: int, *, seed: int, tell: bool = True) -> Examples:
    """Two kinds of query that words tell apart; unless ``tell``, labels have nothing to do with it."""
    draw = np.random.default_rng([seed, 1])
    kinds = kinds_of(count, seed=seed)
    texts = [
        " ".join([*draw.choice(TOPICS[kind], 4), *draw.choice(("the", "of", "a"), 3), str(row)])
        for row, kind in enumerate(kinds)
    ]
    chances = np.array([CHANCES[kind] if tell else (0.5, 0.55, 0.5) for kind in kinds])
    return make_examples(
        texts,
        targets=(draw.random(chances.shape) < chances).astype(np.float32),
        weights=np.ones(count),
        ngram_buckets=CONFIG.ngram_buckets,
        embeddings=None,
    )
