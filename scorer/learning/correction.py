"""Corrects the scores of an artifact by labels of single answers: a mixed logistic regression.

``prior logits (N, M), shares in kinds (N, K), L labels -> shift of each model in each kind (M, K)``

The logit of a good label is the prior logit, plus what the model is better than its prior, everywhere
and in each kind, plus the difficulty of the kind, plus the leniency of the rater. All of these are
random effects with mean zero: without labels nothing moves, and a few labels move what they have in
common. Only the models' own effects are kept. Difficulty and leniency are there so that a model does
not suffer from hard queries or harsh raters.

The effects are the posterior mode (Laplace approximation; Bishop 2006, "Pattern Recognition and Machine
Learning", section 4.4), found block by block (backfitting; Hastie, Tibshirani and Friedman 2009, "The
Elements of Statistical Learning", section 9.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.training.calibrate import sigmoid

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.learning.labels import Labels

    Floats = npt.NDArray[np.float64]

MODEL_SPREAD = 0.7
"""Standard deviation, in logits, of a model's ability from what the artifact says."""

UNKNOWN_SPREAD = 1.0
"""The same for a model that the artifact does not know."""

KIND_SPREAD = 0.3
"""The same in a single kind, beyond its ability in all."""

DIFFICULTY_SPREAD = 0.5
"""Standard deviation, in logits, of a kind's difficulty."""

LENIENCY_SPREAD = 0.5
"""Standard deviation, in logits, of a rater's leniency."""

ROUNDS = 12
LEAST_VARIANCE = 0.01
"""Smallest variance of a label that is reckoned with, so that no single label has a huge residual."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Correction:
    """The effects that labels show beyond the prior."""

    shifts: Floats
    """Logits to add to each model's score in each kind, (M, K); zero without labels."""
    standard_errors: Floats
    """Standard error, in logits, of each model's mean shift, (M,)."""
    difficulty: Floats
    """Logits of each kind, (K,)."""
    leniency: Floats
    """Logits of each rater, (R,)."""

    def scores(self, logits: Floats, shares: Floats) -> Floats:
        """Returns the corrected scores, (N, M), of prior logits (N, M) and shares (N, K)."""
        return sigmoid(logits + shares @ self.shifts.T)

    def expected(self, logits: Floats, shares: Floats, labels: Labels) -> Floats:
        """Returns the expected value of each label, (L,)."""
        rows, models = labels.rows, labels.models
        own = logits[rows, models] + np.einsum("lk,lk->l", shares[rows], self.shifts[models])
        return sigmoid(own + shares[rows] @ self.difficulty + self.leniency[labels.raters])


def correct(
    logits: Floats, shares: Floats, labels: Labels, weights: Floats, *, spread: Floats
) -> Correction:
    """Fits the effects.

    Args:
        logits: Prior score of each model for each query, as logits, (N, M).
        shares: Share of each query in each kind, (N, K).
        labels: L labels of single answers.
        weights: Weight of each label, (L,); one is a label that is fully believed.
        spread: Standard deviation, in logits, of each model's ability from its prior, (M,).
    """
    features = np.column_stack([np.ones(len(shares)), shares])[labels.rows]
    prior = logits[labels.rows, labels.models]
    of_models = _Blocks.of(features, labels.models, logits.shape[1])
    spreads = np.full((logits.shape[1], features.shape[1]), KIND_SPREAD)
    spreads[:, 0] = spread
    precision = 1 / np.square(spreads)
    hard = 1 / np.square(np.full(shares.shape[1], DIFFICULTY_SPREAD))
    models = np.zeros((logits.shape[1], features.shape[1]))
    kinds, raters = np.zeros(shares.shape[1]), np.zeros(labels.rater_count)
    covariances: list[Floats] = []
    for _ in range(ROUNDS):
        own = prior + np.einsum("lf,lf->l", features, models[labels.models])
        own += features[:, 1:] @ kinds
        raters = _leniency(labels, own, weights, raters)
        own += raters[labels.raters]
        kinds += _step(features[:, 1:], labels.values, own, weights, precision=hard, effects=kinds)[
            0
        ]
        own = prior + features[:, 1:] @ kinds + raters[labels.raters]
        covariances = of_models.fit(labels.values, own, weights, precision, models)
    average = np.append(1.0, shares.mean(axis=0))
    return Correction(
        shifts=models[:, :1] + models[:, 1:],
        standard_errors=np.array([np.sqrt(average @ each @ average) for each in covariances]),
        difficulty=kinds,
        leniency=raters,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Blocks:
    """The labels of each model."""

    rows: Sequence[npt.NDArray[np.intp]]
    features: Sequence[Floats]

    @classmethod
    def of(cls, features: Floats, models: npt.NDArray[np.intp], count: int) -> _Blocks:
        rows = [np.flatnonzero(models == model) for model in range(count)]
        return cls(rows=rows, features=[features[each] for each in rows])

    def fit(
        self, values: Floats, others: Floats, weights: Floats, precision: Floats, models: Floats
    ) -> list[Floats]:
        """Moves the effects of each model, (M, F), by one step; returns their covariances."""
        found = []
        for model, (rows, features) in enumerate(zip(self.rows, self.features, strict=True)):
            own = others[rows] + features @ models[model]
            step, covariance = _step(
                features,
                values[rows],
                own,
                weights[rows],
                precision=precision[model],
                effects=models[model],
            )
            models[model] += step
            found.append(covariance)
        return found


def _step(
    features: Floats,
    values: Floats,
    logits: Floats,
    weights: Floats,
    *,
    precision: Floats,
    effects: Floats,
) -> tuple[Floats, Floats]:
    """Returns a Newton step of effects (F,) and their covariance (F, F)."""
    chances = sigmoid(logits)
    slopes = weights * np.maximum(chances * (1 - chances), LEAST_VARIANCE)
    information = (features * slopes[:, None]).T @ features + np.diag(precision)
    covariance = np.linalg.inv(information)
    gradient = features.T @ (weights * (values - chances)) - precision * effects
    return np.asarray(covariance @ gradient), np.asarray(covariance, dtype=np.float64)


def _leniency(labels: Labels, logits: Floats, weights: Floats, before: Floats) -> Floats:
    """Returns the leniency of each rater, (R,), moved by one step from ``before``."""
    chances = sigmoid(logits + before[labels.raters])
    slopes = weights * np.maximum(chances * (1 - chances), LEAST_VARIANCE)
    precision = 1 / LENIENCY_SPREAD**2

    def summed(each: Floats) -> Floats:
        sums: Floats = np.bincount(labels.raters, each, labels.rater_count).astype(np.float64)
        return sums

    gaps = summed(weights * (labels.values - chances)) - precision * before
    return before + gaps / (summed(slopes) + precision)
