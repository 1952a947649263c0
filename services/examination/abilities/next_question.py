"""Chooses the question that tells most of a model, or none if enough is known.

Half an interval may be as wide as the model is behind the best one, in the kind or over all kinds: of
a model that is hardly the best one, no more has to be known. A question is worth the variance that its
answer takes from the model's success in the kind (expected posterior variance; Owen 1975), in units of
the wanted one.

Chosen so, all questions would be ones that a model has an even chance to answer, and a model that
guesses would look like any other. So some are the easiest and the hardest of their kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from services.examination.abilities.item_response import Abilities

    Floats = npt.NDArray[np.float64]

Z_95 = 1.96


@dataclass(frozen=True, slots=True)
class Cell:
    """A kind and a level, by their numbers from 0."""

    kind: int
    level: int


CONTROL_EVERY = 6
"""One question in so many is the easiest or the hardest of its kind, by turns."""


def control_cell(cell: Cell, number: int, available: npt.NDArray[np.bool_]) -> Cell:
    """Returns the cell to ask instead of the one that tells most, for some of the questions.

    Args:
        cell: The cell that tells most.
        number: The number of questions that the model was asked before.
        available: Whether there is a question left for the model, (K, L).
    """
    turn, place = divmod(number, CONTROL_EVERY)
    if place != CONTROL_EVERY - 1:
        return cell
    levels = np.flatnonzero(available[cell.kind])
    return Cell(cell.kind, int(levels[0 if turn % 2 else -1]))


def wanted_errors(abilities: Abilities, accuracy: float) -> Floats:
    """Returns the standard errors of success that are small enough, (M, K).

    Args:
        abilities: The posterior.
        accuracy: Half the width of a 95 % interval that is always small enough.
    """
    success = abilities.success
    means = success.mean(axis=1, keepdims=True)
    behind = np.maximum(success.max(axis=0) - success, means.max() - means)
    wanted: Floats = np.maximum(accuracy, behind) / Z_95
    return wanted


def next_cell(
    abilities: Abilities, model: int, available: npt.NDArray[np.bool_], wanted: Floats
) -> Cell | None:
    """Returns the cell whose question tells most of a model; None if enough is known.

    Args:
        abilities: The posterior.
        model: The number of the model.
        available: Whether there is a question left for the model, (K, L).
        wanted: The standard errors that are small enough, (M, K).
    """
    chances, gradients = abilities.chances[model], abilities.gradients(model)
    blocks = abilities.blocks(model)  # (K, 1 + L, 1 + L)
    along = blocks[:, :, :1] - blocks[:, :, 1:]  # (K, 1 + L, L): with the logit of each level
    spread = along[:, 0, :] - np.diagonal(along[:, 1:, :], axis1=1, axis2=2)  # (K, L)
    total = 1 / (chances * (1 - chances)) + spread
    taken = np.einsum("ka,kal->kl", gradients, along) ** 2 / total
    unknown = abilities.errors_of(model) > wanted[model]
    worth = np.where(available & unknown[:, None], taken / wanted[model][:, None] ** 2, 0.0)
    kind, level = np.unravel_index(worth.argmax(), worth.shape)
    return Cell(int(kind), int(level)) if worth[kind, level] > 0 else None
