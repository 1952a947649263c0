"""Checks a runtime before it serves: its models, and its scores of a few texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.rpc.validation import listed

if TYPE_CHECKING:
    from scorer import Runtime

PROBE_TEXTS = ("a word", "a sentence of some length " * 10, "a page of text " * 200)
"""Texts of different lengths; they also warm the runtime up."""

MAX_BATCH_DIFFERENCE = 1e-3
"""Largest |score difference| between a query scored alone and in a batch: rounding only."""


def problems_of(new: Runtime, served: frozenset[str]) -> list[str]:
    """Runs a runtime on a few texts; returns its problems.

    Args:
        new: The runtime.
        served: The ids of the models that are served now, all of which it must rank.
    """
    problems = []
    missing = sorted(served - set(new.model_ids))
    if missing:
        problems.append(f"it lacks these models, which are served now: {listed(missing)}")
    queries = [new.tokenize(text) for text in PROBE_TEXTS]
    together = new.predict(queries).scores
    alone = np.concatenate([new.predict([query]).scores for query in queries])
    if not np.isfinite(together).all() or together.min() < 0 or together.max() > 1:
        problems.append("its scores are not all in [0, 1]")
    elif (difference := float(np.abs(together - alone).max())) > MAX_BATCH_DIFFERENCE:
        problems.append(f"a query's score changes by {difference:.4f} in a batch with others")
    return problems
