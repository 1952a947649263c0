"""The chance of each model to be tried, and its propensity to be selected. Pure.

A model is tried as often as a draw of its utility, within its error bar, beats the draws of all
others but the one that ranks first: top-two Thompson sampling (Russo 2020, "Simple Bayesian algorithms
for best arm identification"). So labels go to the models that may yet turn out best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

STEPS = 64
"""Points of the integral: with more, no chance changes by 0.001."""

_REACH = 5.0
"""Error bars on either side of a utility that are integrated over."""

_GRID = np.linspace(-37.0, 37.0, 9_473)
_LOG_BELOW = np.log([0.5 * math.erfc(-place / math.sqrt(2)) for place in _GRID.tolist()])
"""The logarithm of the probability of a standard normal draw below each point of the grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """The part of chance in the choice of an answer's first layer."""

    model_id: str | None
    """The model that is tried; None if none is."""
    chances: Mapping[str, float]
    """The chance of each model to be tried, if one is."""
    share: float
    """The share of requests that try a model."""
    reserved_usd: float = 0.0
    """The part of the day's budget that is set aside for the call."""
    usual_ids: tuple[str, ...]
    """The models that are called first if none is tried; the tried one runs instead of them."""


def chances(utilities: Mapping[str, float], error_bars: Mapping[str, float]) -> dict[str, float]:
    """Returns the probability of each model that its draw is the greatest; they sum to 1.

    Args:
        utilities: The mean of each model's normal distribution.
        error_bars: Its standard deviation, above 0.
    """
    means = np.fromiter(utilities.values(), dtype=np.float64)
    deviations = np.array([error_bars[model_id] for model_id in utilities])
    low = (means - _REACH * deviations).max()
    high = (means + _REACH * deviations).max()
    values = low + (high - low) * (np.arange(STEPS) + 0.5) / STEPS
    places = (values[:, np.newaxis] - means) / deviations  # (STEPS, M)
    below = np.interp(places, _GRID, _LOG_BELOW)
    densities = np.exp(below.sum(axis=1, keepdims=True) - below - 0.5 * places**2) / deviations
    found = densities.sum(axis=0)
    return dict(zip(utilities, (found / found.sum()).tolist(), strict=True))


def propensities(exploration: Exploration) -> dict[str, float]:
    """Returns the probability of each model to be called first: the usual ones, or the tried one."""
    found = dict.fromkeys(exploration.usual_ids, 1.0 - exploration.share)
    for model_id, chance in exploration.chances.items():
        found[model_id] = found.get(model_id, 0.0) + exploration.share * chance
    return found
