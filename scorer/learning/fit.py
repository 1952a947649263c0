"""Fits the correction: trust in raters, changes of models, and the shifts that are left.

``prior scores + labels -> trusted fit -> changes by its residuals -> labels from before them dropped
-> trusted fit``
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.learning.change_point import find_changes
from scorer.learning.correction import MODEL_SPREAD, UNKNOWN_SPREAD
from scorer.learning.trust import counted, fit_trusted
from scorer.training.calibrate import sigmoid

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from scorer.learning.change_point import Change
    from scorer.learning.correction import Correction
    from scorer.learning.labels import Labels

    Floats = npt.NDArray[np.float64]

USUALLY_WRONG = 0.1
"""Share of wrong labels that is assumed before any is seen."""

WRONG_SPREAD = 0.1
"""Standard deviation of that share."""

MOST_WRONG = 0.3
"""Largest share of wrong labels that is allowed for."""

MODEL_ERROR = 0.15
"""Standard deviation of a model's true mean score from what the artifact says."""

BELIEVED = 0.5
"""Least trust in a rater whose labels may show that a model changed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """The correction, and how it came about."""

    correction: Correction
    trust: Floats
    """Trust in each rater, (R,)."""
    changes: Mapping[int, Found]
    """The last change of each model that changed."""
    label_counts: npt.NDArray[np.intp]
    """Number of labels of each model that were used, (M,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A change, and the row of the first query after it."""

    change: Change
    row: int
    labels_after: int
    """Number of the model's labels since the change, to the newest."""


def fit(logits: Floats, shares: Floats, labels: Labels, *, known: int) -> Fitted:
    """Fits the correction.

    Args:
        logits: Prior scores as logits, (N, M).
        shares: Share of each query in each kind, (N, K).
        labels: The labels, oldest first.
        known: The number of models, the first ones, that the artifact knows.
    """
    spread = np.full(logits.shape[1], UNKNOWN_SPREAD)
    spread[:known] = MODEL_SPREAD
    labels = _without_noise(labels, logits)
    correction, trust = fit_trusted(logits, shares, labels, spread=spread)
    gaps = labels.values - correction.expected(logits, shares, labels)
    changes, kept = {}, np.ones(len(gaps), dtype=bool)
    for model in np.unique(labels.models).tolist():
        of_model = labels.models == model
        rows = np.flatnonzero(of_model & (trust[labels.raters] >= BELIEVED))
        found = find_changes(gaps[rows])
        if found:
            first = rows[found[-1].first]
            kept &= ~of_model | (np.arange(len(gaps)) >= first)
            changes[model] = Found(
                change=found[-1],
                row=int(labels.rows[first]),
                labels_after=len(rows) - found[-1].first,
            )
    if changes:
        labels = labels.take(kept)
        correction, trust = fit_trusted(logits, shares, labels, spread=spread)
    used = counted(labels, trust) > 0
    return Fitted(
        correction=correction,
        trust=trust,
        changes=changes,
        label_counts=np.bincount(labels.models[used], minlength=logits.shape[1]),
    )


def _without_noise(labels: Labels, logits: Floats) -> Labels:
    """Returns labels on the scale of the prior scores.

    If a share of all labels is wrong, whatever the answer, they draw all models together, and a model
    with labels would look worse than an equal one without. The share is estimated by the slope of the
    models' mean labels over their mean prior scores, and the labels are put right on average
    (Natarajan et al. 2013, "Learning with noisy labels"). Each model is one point of that line, however
    many labels it has, since the artifact may be wrong about it.
    """
    count = logits.shape[1]
    sizes = np.bincount(labels.models, labels.weights, count)
    kept = sizes > 0
    scores = sigmoid(logits[labels.rows, labels.models])
    means = [
        np.bincount(labels.models, labels.weights * each, count)[kept] / sizes[kept]
        for each in (scores, labels.values)
    ]
    points = 1 / (MODEL_ERROR**2 + 0.25 / sizes[kept])
    apart, values = (
        each - np.average(each, weights=points) if kept.any() else each for each in means
    )
    prior = 1 / (2 * WRONG_SPREAD) ** 2
    fitted = (prior * (1 - 2 * USUALLY_WRONG) + points @ (apart * values)) / (
        prior + points @ np.square(apart)
    )
    slope = float(np.clip(fitted, 1 - 2 * MOST_WRONG, 1.0))
    wrong = (1 - slope) / 2
    return dataclasses.replace(
        labels, values=(labels.values - wrong) / slope, weights=labels.weights * slope**2
    )
