"""Believes raters by their agreement with the others, and none more than all of them together.

A rater is a tenant. Of a rater that agrees, the mean residual of each model's labels is noise. One that
votes for a model whatever it answers has large residuals everywhere. Its labels then count less, as in
iteratively reweighted least squares with a weight that redescends (Holland and Welsch 1977, "Robust
regression using iteratively reweighted least-squares").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scorer.learning.correction import correct

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.learning.correction import Correction
    from scorer.learning.labels import Labels

    Floats = npt.NDArray[np.float64]

TASTE = 0.1
"""Standard deviation by which honest raters differ about one model, in scores."""

TOLERANCE = 3.0
"""Mean squared residual, in units of what noise and taste explain, up to which a rater is believed."""

ROUNDS = 4


def fit_trusted(
    logits: Floats, shares: Floats, labels: Labels, *, spread: Floats
) -> tuple[Correction, Floats]:
    """Returns the correction and the trust in each rater, in [0, 1], (R,); see `correct`."""
    trust = np.ones(labels.rater_count)
    for _ in range(ROUNDS if labels.rater_count > 1 else 1):
        found = correct(logits, shares, labels, counted(labels, trust), spread=spread)
        if labels.rater_count > 1:
            trust = trust_of(labels, found.expected(logits, shares, labels))
    return found, trust


def counted(labels: Labels, trust: Floats) -> Floats:
    """Returns the weight of each label, (L,): believed, and no rater more than all others together."""
    weights = labels.weights * trust[labels.raters]
    sums = np.bincount(labels.raters, weights=weights, minlength=labels.rater_count)
    others = sums.sum() - sums
    # A single rater, or one with the whole weight left, has nobody to be measured by.
    caps = np.where(others > 0, np.minimum(1.0, others / np.maximum(sums, 1e-12)), 1.0)
    return np.asarray(weights * caps[labels.raters])


def trust_of(labels: Labels, expected: Floats) -> Floats:
    """Returns the trust in each rater, (R,), given the expected value of each label, (L,)."""
    models = int(labels.models.max(initial=0)) + 1
    cells = labels.raters * models + labels.models
    size = labels.rater_count * models

    def summed(each: Floats) -> Floats:
        sums: Floats = np.bincount(cells, each, size).astype(np.float64)
        return sums.reshape(-1, models)

    counts = summed(labels.weights)
    gaps = summed(labels.weights * (labels.values - expected)) / np.maximum(counts, 1e-12)
    noise = summed(labels.weights * expected * (1 - expected)) / np.maximum(counts, 1e-12)
    variance = noise / np.maximum(counts, 1e-12) + TASTE**2
    # Each cell counts by its labels, up to where more would say no more than its model's taste.
    sizes = np.minimum(counts, 0.25 / TASTE**2)
    totals = sizes.sum(axis=1)
    mean = (sizes * np.square(gaps) / variance).sum(axis=1) / np.maximum(totals, 1e-12)
    rated = totals > 0
    # If most raters are far off, the fit is, and not they.
    usual = max(float(np.median(mean[rated])), 1.0) if rated.any() else 1.0
    trust = np.minimum(1.0, TOLERANCE * usual / np.maximum(mean, 1e-12)) ** 2
    return np.where(rated, trust, 1.0)
