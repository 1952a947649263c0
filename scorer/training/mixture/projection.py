"""Texts -> a table that turns the n-grams of any text into a few numbers. Needs torch.

``texts -> n-gram presence, weighted and normalized (N, B) -> its first D directions -> table (B, D)``

Latent semantic analysis (Deerwester et al. 1990): the rows of the table are the right singular
vectors, each times the inverse document frequency of its n-gram. A text's projection is the sum of
the rows of its n-grams, scaled to unit length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from scorer.runtime.ngrams import PADDING_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

POWER_ITERATIONS = 3
"""Of the randomized decomposition (Halko, Martinsson and Tropp 2011); more change nothing here."""

LOOKUP_BATCH_SIZE = 512


def fit_projection(
    bags: Sequence[npt.NDArray[np.int64]], *, buckets: int, width: int, seed: int
) -> torch.Tensor:
    """Returns the table, (buckets, width); the row of ``PADDING_ID`` is zero.

    Args:
        bags: The n-gram ids of the training texts.
        buckets: How many ids there are.
        width: How many directions to keep; fewer are kept when there are few texts.
        seed: Decides the random start of the decomposition.
    """
    torch.manual_seed(seed)
    rarity = rarity_of(bags, buckets)
    width = min(width, len(bags) // 3, buckets)
    _, _, directions = torch.svd_lowrank(presence(bags, rarity), q=width, niter=POWER_ITERATIONS)
    table: torch.Tensor = torch.from_numpy(rarity)[:, None] * directions
    return table.contiguous()


def rarity_of(bags: Sequence[npt.NDArray[np.int64]], buckets: int) -> npt.NDArray[np.float32]:
    """Returns the inverse document frequency of each n-gram, (buckets,); zero for ``PADDING_ID``."""
    counts = np.bincount(np.concatenate(bags), minlength=buckets)
    rarity = (np.log((1 + len(bags)) / (1 + counts)) + 1).astype(np.float32)
    rarity[PADDING_ID] = 0.0
    return rarity


def project_all(bags: Sequence[npt.NDArray[np.int64]], table: torch.Tensor) -> torch.Tensor:
    """Returns the unit-length projection of every text, (N, D); zero for a text without n-grams."""
    return functional.normalize(sums_of(bags, table), dim=-1)


def sums_of(bags: Sequence[npt.NDArray[np.int64]], table: torch.Tensor) -> torch.Tensor:
    """Returns the sum of the rows of every text's n-grams, (N, D)."""
    rows = []
    for start in range(0, len(bags), LOOKUP_BATCH_SIZE):
        batch = bags[start : start + LOOKUP_BATCH_SIZE]
        offsets = torch.from_numpy(np.cumsum([0, *(len(bag) for bag in batch[:-1])]))
        ids = torch.from_numpy(np.concatenate(batch))
        rows.append(functional.embedding_bag(ids, table, offsets, mode="sum"))
    return torch.cat(rows)


def presence(
    bags: Sequence[npt.NDArray[np.int64]], rarity: npt.NDArray[np.float32]
) -> torch.Tensor:
    """Returns the weighted presence of n-grams in texts, rows of unit length, sparse (N, B)."""
    values = []
    for bag in bags:
        weights = rarity[bag]
        values.append(weights / max(float(np.linalg.norm(weights)), 1e-9))
    rows = np.repeat(np.arange(len(bags)), [len(bag) for bag in bags])
    places = np.stack([rows, np.concatenate(bags)])
    return torch.sparse_coo_tensor(
        torch.from_numpy(places),
        torch.from_numpy(np.concatenate(values)),
        (len(bags), len(rarity)),
        check_invariants=False,
    ).coalesce()
