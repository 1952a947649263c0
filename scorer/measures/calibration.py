"""Measures whether scores are probabilities: over all labels, per model and per bin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]

CALIBRATION_BINS = 15
"""Equal-width bins of the expected calibration error, as in Guo et al. 2017."""

CHANCE_DRAWS = 5
"""Number of random sets of labels that the chance of an error is averaged over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationFigures:
    """Losses and calibration error of scores as probabilities."""

    loss: float
    """Mean binary cross-entropy."""
    brier: float
    """Mean squared error."""
    calibration_error: float
    """Expected calibration error."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reliability:
    """A reliability diagram: one value per bin that holds a label."""

    predicted: Floats
    """Mean score of the bin's labels."""
    observed: Floats
    """Mean target of the bin's labels."""
    counts: npt.NDArray[np.intp]
    """Number of labels of the bin."""


def calibration_figures(scores: Floats, targets: Floats) -> CalibrationFigures:
    """Returns the figures of scores (N, M) as probabilities of the targets."""
    predicted, observed = _labelled(scores, targets)
    clipped = np.clip(predicted, 1e-7, 1 - 1e-7)
    losses = -(observed * np.log(clipped) + (1 - observed) * np.log1p(-clipped))
    diagram = reliability(scores, targets)
    gaps = np.abs(diagram.predicted - diagram.observed)
    return CalibrationFigures(
        loss=float(losses.mean()),
        brier=float(np.square(predicted - observed).mean()),
        calibration_error=float(np.average(gaps, weights=diagram.counts)),
    )


def calibration_by_model(scores: Floats, targets: Floats) -> tuple[CalibrationFigures | None, ...]:
    """Returns the figures of each model alone; None for a model without a label."""
    return tuple(
        None
        if np.isnan(targets[:, column]).all()
        else calibration_figures(scores[:, column], targets[:, column])
        for column in range(targets.shape[1])
    )


def model_calibration_errors(scores: Floats, targets: Floats) -> list[float]:
    """Returns the calibration error of each model that has a label."""
    return [each.calibration_error for each in calibration_by_model(scores, targets) if each]


def chance_of_calibration_error(scores: Floats, targets: Floats, *, seed: int) -> float:
    """Returns the mean of ``model_calibration_errors`` if the scores were exact probabilities.

    With few labels in a bin, their mean is off by chance even for exact scores (Roelofs et al. 2022,
    "Mitigating bias in calibration error estimation"). Labels are drawn as 0 or 1; real grades vary
    less, so for them this is too large.
    """
    draw = np.random.default_rng(seed)
    drawn = [
        np.where(np.isnan(targets), np.nan, draw.random(scores.shape) < scores)
        for _ in range(CHANCE_DRAWS)
    ]
    return float(np.mean([model_calibration_errors(scores, each) for each in drawn]))


def reliability(scores: Floats, targets: Floats) -> Reliability:
    """Returns mean score and mean target of each bin of equal width in the score."""
    predicted, observed = _labelled(scores, targets)
    bins = np.minimum((predicted * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    counts = np.bincount(bins, minlength=CALIBRATION_BINS)
    used = counts > 0
    return Reliability(
        predicted=np.bincount(bins, predicted, CALIBRATION_BINS)[used] / counts[used],
        observed=np.bincount(bins, observed, CALIBRATION_BINS)[used] / counts[used],
        counts=counts[used],
    )


def _labelled(
    scores: Floats, targets: Floats
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    labelled = ~np.isnan(targets)
    return scores[labelled].astype(np.float64), targets[labelled].astype(np.float64)
