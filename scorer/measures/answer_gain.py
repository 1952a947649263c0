"""Measures what the text of an answer adds to the prior score of its model.

``scores and prior scores of N answers, whether each is right -> AnswerGain``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.calibration import calibration_figures
from scorer.measures.intervals import Interval, bootstrap_means, interval

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]

SEED = 1
SMALLEST = 1e-6
"""Smallest distance of a probability from 0 and from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerGain:
    """The figures of an answer scorer on answers that it has not learned from; means over models."""

    query_count: int
    answer_count: int
    loss: float
    """Mean binary cross-entropy of the scores."""
    prior_loss: float
    auc: float
    """Probability that a right answer has a higher score than a wrong one by the same model."""
    prior_auc: float
    calibration_error: float
    """Expected calibration error over all answers."""
    calibration_error_by_model: float
    """Expected calibration error of each model alone, averaged; few answers alone raise it."""
    gain: Interval
    """The prior score's loss less the answer scorer's, paired by query; above zero is better."""

    @property
    def figures(self) -> dict[str, float]:
        """The figures by name."""
        return {
            "queries": self.query_count,
            "answers": self.answer_count,
            "loss": self.loss,
            "prior_loss": self.prior_loss,
            "auc": self.auc,
            "prior_auc": self.prior_auc,
            "calibration_error": self.calibration_error,
            "calibration_error_by_model": self.calibration_error_by_model,
            "gain": self.gain.mean,
            "gain_low": self.gain.low,
            "gain_high": self.gain.high,
        }


def answer_gain(
    scores: Floats,
    priors: Floats,
    targets: Floats,
    models: npt.NDArray[np.intp],
    queries: npt.NDArray[np.intp],
) -> AnswerGain:
    """Returns the figures of N answers.

    Args:
        scores: The answer scorer's scores, (N,).
        priors: The prior scores, (N,).
        targets: How right each answer is, in [0, 1], (N,).
        models: The model of each, (N,).
        queries: The query of each, (N,).
    """
    losses = np.stack([_losses(scores, targets), _losses(priors, targets)], axis=1)
    found = [models == model for model in np.unique(models)]
    # Of a query that has one answer of each model, the mean over queries is that over models.
    rows, inverse = np.unique(queries, return_inverse=True)
    counts = np.bincount(inverse)
    by_query = np.stack(
        [np.bincount(inverse, losses[:, column]) / counts for column in (0, 1)], axis=1
    )
    resampled = bootstrap_means(by_query, ["all"] * len(rows), seed=SEED)
    means = by_query.mean(axis=0)
    return AnswerGain(
        query_count=len(rows),
        answer_count=len(scores),
        loss=float(np.mean([losses[ours, 0].mean() for ours in found])),
        prior_loss=float(np.mean([losses[ours, 1].mean() for ours in found])),
        auc=float(np.nanmean([auc(scores[ours], targets[ours]) for ours in found])),
        prior_auc=float(np.nanmean([auc(priors[ours], targets[ours]) for ours in found])),
        calibration_error=_calibration_error(scores, targets),
        calibration_error_by_model=float(
            np.mean([_calibration_error(scores[ours], targets[ours]) for ours in found])
        ),
        gain=interval(float(means[1] - means[0]), resampled[:, 1] - resampled[:, 0]),
    )


def auc(scores: Floats, targets: Floats) -> float:
    """Returns the area under the ROC curve (Hanley and McNeil 1982); NaN if all are right or wrong.

    An answer counts as right from 0.5 on; equal scores count half.
    """
    right = targets >= 0.5
    positives, negatives = int(right.sum()), int((~right).sum())
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = ((last - counts + 1 + last) / 2)[inverse]
    return float((ranks[right].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _losses(scores: Floats, targets: Floats) -> Floats:
    clipped = np.clip(scores, SMALLEST, 1 - SMALLEST)
    losses: Floats = -(targets * np.log(clipped) + (1 - targets) * np.log1p(-clipped))
    return losses


def _calibration_error(scores: Floats, targets: Floats) -> float:
    return calibration_figures(scores[:, None], targets[:, None]).calibration_error
