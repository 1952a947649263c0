"""Texts and their embeddings -> a table from whose rows the n-grams of any text predict its embedding.

``bags, embeddings (N, E) -> their first D directions (N, D) -> table (buckets, D)``

What an encoder says of a text, said by a sum over its n-grams: the edge tier's stand-in for an encoder.
Knowledge distillation (Hinton, Vinyals and Dean 2015) into a linear student, by least squares with a
ridge. The table goes beside that of ``scorer.training.mixture.projection``, and a text is projected with both
at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from scorer.data.splits import fold_of
from scorer.progress import track
from scorer.training.mixture.projection import presence, project_all, rarity_of, sums_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

RIDGE = 1.0
"""Weight of the squared table against the squared error of one text, whose n-grams have length 1."""

STEPS = 20
"""Of conjugate gradients; more change nothing here."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Distilled:
    """A projection that has learned from an encoder."""

    table: torch.Tensor
    """The given projection's columns and the distilled ones, (buckets, D)."""
    projections: torch.Tensor
    """Of the training texts, (N, D), each by a table not fitted to its embedding, as it will be
    with texts to come."""


def distil(
    projection: torch.Tensor,
    bags: Sequence[npt.NDArray[np.int64]],
    texts: Sequence[str],
    embeddings: npt.NDArray[np.float32],
    *,
    width: int,
    folds: int,
    seed: int,
) -> Distilled:
    """Adds distilled columns to a projection, scaled so that both parts weigh the same.

    Args:
        projection: The table to add to, (buckets, P).
        bags: The n-gram ids of N training texts.
        texts: The same texts; equal ones are in one fold.
        embeddings: What the encoder says of them, (N, E).
        width: How many directions of the embeddings to learn, at most E.
        folds: Parts of the texts, each projected by what was learned on the others.
        seed: Decides the folds.
    """
    targets = _directions(torch.from_numpy(embeddings), width)
    ours = _balanced(projection, bags)
    folds_of = np.array([fold_of(text, folds, seed) for text in texts])
    projections = torch.empty(len(bags), projection.shape[1] + targets.shape[1])
    for fold in track(np.unique(folds_of).tolist(), "Distilling the encoder"):
        inner, outer = (
            np.flatnonzero(rows).tolist() for rows in (folds_of != fold, folds_of == fold)
        )
        table = _table([bags[row] for row in inner], targets[inner], len(projection))
        projections[outer] = project_all([bags[row] for row in outer], torch.cat([ours, table], 1))
    table = torch.cat([ours, _table(bags, targets, len(projection))], dim=1)
    return Distilled(table=table.contiguous(), projections=projections)


def _directions(embeddings: torch.Tensor, width: int) -> torch.Tensor:
    """Returns the embeddings' coordinates in the directions in which they differ most, (N, D)."""
    centred = embeddings - embeddings.mean(dim=0)
    _, directions = torch.linalg.eigh(centred.t() @ centred)
    return centred @ directions.flip(1)[:, :width]


def _table(
    bags: Sequence[npt.NDArray[np.int64]], targets: torch.Tensor, buckets: int
) -> torch.Tensor:
    rarity = rarity_of(bags, buckets)
    weights = _least_squares(presence(bags, rarity), targets)
    return _balanced(torch.from_numpy(rarity)[:, None] * weights, bags)


def _balanced(table: torch.Tensor, bags: Sequence[npt.NDArray[np.int64]]) -> torch.Tensor:
    """Returns the table in a scale in which the mean text has length one."""
    length = sums_of(bags, table).norm(dim=1).mean()
    return table / length.clamp_min(1e-9)


def _least_squares(matrix: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Returns the W (B, D) that makes ``matrix @ W`` (N, D) like the targets, by conjugate gradients.

    Hestenes and Stiefel 1952, on the normal equations, every column for itself.
    """
    transposed = matrix.t().coalesce()
    residual = transposed @ targets
    solution = torch.zeros_like(residual)
    direction, length = residual.clone(), residual.square().sum(0)
    for _ in range(STEPS):
        image = transposed @ (matrix @ direction) + RIDGE * direction
        step = length / (direction * image).sum(0).clamp_min(1e-12)
        solution += step * direction
        residual -= step * image
        before, length = length, residual.square().sum(0)
        direction = residual + length / before.clamp_min(1e-12) * direction
    return solution
