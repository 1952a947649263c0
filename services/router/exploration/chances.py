"""The chance of each model to be tried, and its propensity to be selected. Pure.

A model is tried as often as a draw of its utility, within its error bar, beats the draws of all
others but the one that ranks first: top-two Thompson sampling (Russo 2020, "Simple Bayesian algorithms
for best arm identification"). So labels go to the models that may yet turn out best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

STEPS = 64
"""Points of the integral: with more, no chance changes by 0.001."""

_REACH = 5.0
"""Error bars on either side of a utility that are integrated over."""


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
    models = list(utilities)
    low = max(utilities[m] - _REACH * error_bars[m] for m in models)
    high = max(utilities[m] + _REACH * error_bars[m] for m in models)
    found = dict.fromkeys(models, 0.0)
    for step in range(STEPS):
        value = low + (high - low) * (step + 0.5) / STEPS
        places = {m: (value - utilities[m]) / error_bars[m] for m in models}
        below = {m: max(0.5 * math.erfc(-places[m] / math.sqrt(2)), 1e-300) for m in models}
        all_below = math.exp(sum(map(math.log, below.values())))
        for m in models:
            density = math.exp(-0.5 * places[m] ** 2) / error_bars[m]
            found[m] += density * all_below / below[m]
    total = sum(found.values())
    return {m: chance / total for m, chance in found.items()}


def propensities(exploration: Exploration) -> dict[str, float]:
    """Returns the probability of each model to be called first: the usual ones, or the tried one."""
    found = dict.fromkeys(exploration.usual_ids, 1.0 - exploration.share)
    for model_id, chance in exploration.chances.items():
        found[model_id] = found.get(model_id, 0.0) + exploration.share * chance
    return found
