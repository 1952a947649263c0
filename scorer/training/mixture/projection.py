"""Fits a table that turns the n-grams of any text into a few numbers. Needs torch.

``texts -> n-gram presence, weighted and normalized (N, B) -> its first D directions -> table (B, D)``

Latent semantic analysis (Deerwester et al. 1990): the rows of the table are the right singular
vectors, each times the inverse document frequency of its n-gram. A text's projection is the sum of
the rows of its n-grams, scaled to unit length.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from scorer.runtime.ngrams import PADDING_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

MAX_TEXTS = 8_000
"""Largest number of texts whose directions are computed; more change them little."""

POWER_ITERATIONS = 2
MORE_DIRECTIONS = 16
"""Iterations and surplus directions of the randomized decomposition (Halko et al. 2011)."""


def fit_projection(
    bags: Sequence[npt.NDArray[np.int64]], *, buckets: int, width: int, seed: int
) -> torch.Tensor:
    """Returns the table, (buckets, width); the row of ``PADDING_ID`` is zero.

    Args:
        bags: N-gram ids of the training texts.
        buckets: Number of ids.
        width: Number of directions to keep; fewer are kept when there are few texts.
        seed: Decides which texts are read, and the random start of the decomposition.
    """
    rarity = rarity_of(bags, buckets)
    draw = np.random.default_rng(seed)
    chosen = np.sort(draw.choice(len(bags), min(len(bags), MAX_TEXTS), replace=False))
    texts = presence([bags[row] for row in chosen], rarity)
    width = max(1, min(width, len(chosen) // 3, buckets))
    transposed = texts.t().to_sparse_csr()
    basis = texts @ torch.randn(
        buckets,
        min(width + MORE_DIRECTIONS, len(chosen)),
        generator=torch.Generator().manual_seed(seed),
    )
    for _ in range(POWER_ITERATIONS):
        basis = texts @ (transposed @ torch.linalg.qr(basis)[0])
    directions = transposed @ torch.linalg.qr(basis)[0]  # (buckets, width and more)
    order = torch.linalg.eigh(directions.t() @ directions)[1].flip(1)[:, :width]
    table: torch.Tensor = torch.from_numpy(rarity)[:, None] * functional.normalize(
        directions @ order, dim=0
    )
    return table.contiguous()


def rarity_of(bags: Sequence[npt.NDArray[np.int64]], buckets: int) -> npt.NDArray[np.float32]:
    """Returns the inverse document frequency of each n-gram, (buckets,); zero for ``PADDING_ID``."""
    counts = np.zeros(buckets, dtype=np.int64)
    for bag in bags:
        counts[bag] += 1
    rarity = (np.log((1 + len(bags)) / (1 + counts)) + 1).astype(np.float32)
    rarity[PADDING_ID] = 0.0
    return rarity


def project_all(bags: Sequence[npt.NDArray[np.int64]], table: torch.Tensor) -> torch.Tensor:
    """Returns the unit-length projection of every text, (N, D); zero for a text without n-grams."""
    offsets = torch.from_numpy(np.cumsum([0, *(len(bag) for bag in bags[:-1])]))
    ids = torch.from_numpy(np.concatenate(bags))
    return functional.normalize(functional.embedding_bag(ids, table, offsets, mode="sum"), dim=-1)


def presence(
    bags: Sequence[npt.NDArray[np.int64]], rarity: npt.NDArray[np.float32]
) -> torch.Tensor:
    """Returns the weighted presence of n-grams in texts, rows of unit length, sparse (N, B)."""
    ids = np.concatenate(bags)
    starts = np.cumsum([0, *(len(bag) for bag in bags)])
    lengths = np.sqrt(np.add.reduceat(np.square(rarity[ids]), starts[:-1]))
    values = rarity[ids] / np.repeat(np.maximum(lengths, np.float32(1e-9)), np.diff(starts))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch calls its sparse tensors a beta
        return torch.sparse_csr_tensor(
            *map(torch.from_numpy, (starts, ids, values)), (len(bags), len(rarity))
        )
