"""Abilities of models and difficulties of questions, from marks: an item response model.

``marks (M, K, L) of M models, K kinds, L levels -> ability (M, K), difficulty (K, L), covariance``

A model answers a question of a kind and level rightly with the probability sigmoid(ability -
difficulty) (Rasch 1960). The abilities of a model over the kinds have something in common: its general
ability. All have a normal prior. The posterior is its normal approximation at the mode (Laplace), so
it knows how a sparse answer in one kind tells of the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

GENERAL_SPREAD = 1.5
"""Standard deviation, in logits, of the general ability of models: small and large ones differ."""

KIND_SPREAD = 0.8
"""Standard deviation, in logits, of what a model's ability in one kind differs from the general one."""

LEVEL_STEP = 0.8
"""Expected logits from one level of difficulty to the next."""

DIFFICULTY_SPREAD = 1.0
"""Standard deviation, in logits, of a difficulty around what its level lets expect."""

_MAX_ITERATIONS = 30
_LARGEST_STEP = 2.0
_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marks:
    """The marks of all answers, counted."""

    asked: Floats
    """Number of answers, (M, K, L)."""
    right: Floats
    """Sum of their scores, (M, K, L)."""

    @classmethod
    def none(cls, models: int, kinds: int, levels: int) -> Marks:
        """Returns the marks before the first question."""
        shape = (models, kinds, levels)
        return cls(asked=np.zeros(shape), right=np.zeros(shape))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Abilities:
    """The posterior of all abilities and difficulties, in logits."""

    ability: Floats
    """(M, K)."""
    difficulty: Floats
    """(K, L)."""
    covariance: Floats
    """Of the abilities and then the difficulties, flattened, (MK + KL, MK + KL)."""
    levels: Floats
    """1 where a kind has questions of a level, else 0, (K, L)."""

    @property
    def success(self) -> Floats:
        """Expected share of right answers by kind, each level counting the same, (M, K)."""
        shares: Floats = (self.chances * self._level_weights).sum(axis=2)
        return shares

    @property
    def chances(self) -> Floats:
        """Chance of a right answer, (M, K, L)."""
        return sigmoid(self.ability[:, :, None] - self.difficulty)

    @property
    def success_errors(self) -> Floats:
        """Standard errors of ``success``, (M, K)."""
        return np.array([self.errors_of(model) for model in range(len(self.ability))])

    def errors_of(self, model: int) -> Floats:
        """Returns the standard errors of a model's success, (K,)."""
        gradients = self.gradients(model)
        variances = np.einsum("ka,kab,kb->k", gradients, self.blocks(model), gradients)
        errors: Floats = np.sqrt(variances)
        return errors

    def gradients(self, model: int) -> Floats:
        """Returns the gradient of ``success`` in a kind's ability and difficulties, (K, 1 + L)."""
        chances = self.chances[model]
        slopes = chances * (1 - chances) * self._level_weights
        return np.concatenate([slopes.sum(axis=1, keepdims=True), -slopes], axis=1)

    def blocks(self, model: int) -> Floats:
        """Returns the covariance of a model's ability and the difficulties of each kind.

        It is (K, 1 + L, 1 + L): the ability in the kind, then the kind's difficulties.
        """
        models, kinds = self.ability.shape
        levels = self.difficulty.shape[1]
        abilities = model * kinds + np.arange(kinds)[:, None]
        difficulties = models * kinds + np.arange(kinds * levels).reshape(kinds, levels)
        rows = np.concatenate([abilities, difficulties], axis=1)
        blocks: Floats = self.covariance[rows[:, :, None], rows[:, None, :]]
        return blocks

    @property
    def _level_weights(self) -> Floats:
        weights: Floats = self.levels / self.levels.sum(axis=1, keepdims=True)
        return weights


def fit_abilities(marks: Marks, levels: Floats, start: Abilities | None = None) -> Abilities:
    """Fits the posterior by Newton's method.

    Args:
        marks: The marks so far.
        levels: Whether a kind has questions of a level, 1 or 0, (K, L).
        start: The posterior of fewer marks, from which the search starts.
    """
    models, kinds, count = marks.asked.shape
    prior = np.kron(np.eye(models), np.linalg.inv(_ability_covariance(kinds)))
    usual = LEVEL_STEP * (np.arange(count) - (count - 1) / 2)
    ability = np.zeros((models, kinds)) if start is None else start.ability
    difficulty = np.tile(usual, (kinds, 1)) if start is None else start.difficulty
    for _ in range(_MAX_ITERATIONS):
        chances = sigmoid(ability[:, :, None] - difficulty)
        gaps = marks.right - marks.asked * chances
        slope = np.concatenate(
            [
                gaps.sum(axis=2).ravel() - prior @ ability.ravel(),
                (-gaps.sum(axis=0) - (difficulty - usual) / DIFFICULTY_SPREAD**2).ravel(),
            ]
        )
        step = np.linalg.solve(_precision(marks.asked * chances * (1 - chances), prior), slope)
        step *= min(1.0, _LARGEST_STEP / max(np.abs(step).max(), 1e-12))
        ability = ability + step[: models * kinds].reshape(ability.shape)
        difficulty = difficulty + step[models * kinds :].reshape(difficulty.shape)
        if np.abs(step).max() < _TOLERANCE:
            break
    chances = sigmoid(ability[:, :, None] - difficulty)
    precision = _precision(marks.asked * chances * (1 - chances), prior)
    return Abilities(
        ability=ability,
        difficulty=difficulty,
        covariance=np.asarray(np.linalg.inv(precision), dtype=np.float64),
        levels=levels,
    )


def expecting(abilities: Abilities, model: int, kind: int, level: int) -> Abilities:
    """Returns the posterior with one more answer, expected to be as the posterior says.

    The means stay; the covariance is that after the answer. So questions can be chosen while the
    answers to others are awaited.
    """
    models, kinds = abilities.ability.shape
    ability = model * kinds + kind
    difficulty = models * kinds + kind * abilities.difficulty.shape[1] + level
    along = abilities.covariance[:, ability] - abilities.covariance[:, difficulty]
    chance = sigmoid(abilities.ability[model, kind] - abilities.difficulty[kind, level])
    total = 1 / (chance * (1 - chance)) + along[ability] - along[difficulty]
    return replace(abilities, covariance=abilities.covariance - np.outer(along, along) / total)


def sigmoid(logits: Floats) -> Floats:
    """Returns the logistic function."""
    chances: Floats = 0.5 + 0.5 * np.tanh(logits / 2)
    return chances


def _ability_covariance(kinds: int) -> Floats:
    """Returns the prior covariance of a model's abilities, (K, K)."""
    return np.full((kinds, kinds), GENERAL_SPREAD**2) + KIND_SPREAD**2 * np.eye(kinds)


def _precision(information: Floats, prior: Floats) -> Floats:
    """Returns the negative Hessian of the log posterior; ``information`` is (M, K, L)."""
    models, kinds, levels = information.shape
    abilities, difficulties = models * kinds, kinds * levels
    precision = np.zeros((abilities + difficulties, abilities + difficulties))
    precision[:abilities, :abilities] = prior + np.diag(information.sum(axis=2).ravel())
    shared = np.zeros((models, kinds, kinds, levels))
    shared[:, np.arange(kinds), np.arange(kinds), :] = -information
    corner = shared.reshape(abilities, difficulties)
    precision[:abilities, abilities:] = corner
    precision[abilities:, :abilities] = corner.T
    own = information.sum(axis=0).ravel() + 1 / DIFFICULTY_SPREAD**2
    precision[abilities:, abilities:] = np.diag(own)
    return precision
