"""Compares the first choices of two scorers on traffic that neither has learned from.

The value of a choice is doubly robust (Dudík, Langford and Li 2011, "Doubly robust policy evaluation
and learning"): what the serving scores predict, plus, where the router made the same choice, the
feedback less that prediction, over the propensity of the choice. The serving scores are the base, so
that a change for which there is no evidence counts as what the old scores say of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.measures.intervals import bootstrap_means, interval
from scorer.measures.traffic_gain import TrafficGain

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

LEAST_PROPENSITY = 0.02
"""Smaller propensities count as this: rare choices would decide alone. This biases towards the base."""

SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Logged:
    """N choices of the router, with feedback."""

    choices: npt.NDArray[np.intp]
    """The model that wrote the final answer, (N,)."""
    values: Floats
    """The feedback, (N,)."""
    propensities: Floats
    """Probability with which it was chosen, (N,)."""


def compare(serving: Floats, candidate: Floats, logged: Logged) -> TrafficGain:
    """Compares the first choices by scores, each (N, M)."""
    base = _on_feedback_scale(serving, logged)
    before, after = serving.argmax(axis=1), candidate.argmax(axis=1)
    rows = np.arange(len(serving))
    gaps = (logged.values - base[rows, logged.choices]) / np.maximum(
        logged.propensities, LEAST_PROPENSITY
    )
    outcomes = np.column_stack(
        [base[rows, choice] + gaps * (logged.choices == choice) for choice in (before, after)]
    )
    means = outcomes.mean(axis=0)
    resampled = bootstrap_means(outcomes, ["all"] * len(outcomes), seed=SEED)
    return TrafficGain(
        decision_count=len(outcomes),
        changed_share=float((before != after).mean()),
        gain=interval(float(means[1] - means[0]), resampled[:, 1] - resampled[:, 0]),
    )


def _on_feedback_scale(scores: Floats, logged: Logged) -> Floats:
    """Returns scores as feedback would be, by least squares on the choices; (N, M).

    Wrong and harsh feedback draws all values together; the difference must not favour choices without
    feedback.
    """
    own = scores[np.arange(len(scores)), logged.choices]
    spread = float(own.var())
    slope = 1.0
    if spread > 0:
        covariance = float(((own - own.mean()) * (logged.values - logged.values.mean())).mean())
        slope = float(np.clip(covariance / spread, 0.0, 1.0))
    return np.asarray(np.clip(logged.values.mean() + slope * (scores - own.mean()), 0.0, 1.0))
