"""May an artifact take another one's place while the service runs?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.rpc.validation import listed

if TYPE_CHECKING:
    from scorer import Runtime

PROBE_TEXTS = ("a word", "a sentence of some length " * 10, "a page of text " * 200)
"""They also warm a runtime up."""

COMPANION_DIFFERENCE = 1e-3
"""Largest |score difference| of a query scored alone and in a batch: rounding, and nothing else."""


def problems_of(new: Runtime, served: frozenset[str]) -> list[str]:
    """Returns what is wrong with a runtime, having run it on a few texts of different lengths.

    Args:
        new: The runtime.
        served: Models that callers rely on being ranked.
    """
    problems = []
    missing = sorted(served - set(new.model_ids))
    if missing:
        problems.append(f"it does not know {listed(missing)}, which are served now")
    queries = [new.tokenize(text) for text in PROBE_TEXTS]
    together = new.read(queries).scores
    alone = np.concatenate([new.read([query]).scores for query in queries])
    if not np.isfinite(together).all() or together.min() < 0 or together.max() > 1:
        problems.append("its scores are not all in [0, 1]")
    elif (difference := float(np.abs(together - alone).max())) > COMPANION_DIFFERENCE:
        problems.append(f"a query's score moves by {difference:.4f} with its companions")
    return problems
