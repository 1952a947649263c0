"""Estimates the scores of models that the scorer does not know, on the scale of those it knows. Pure.

    score = logistic(ability + easiness of the query)

The easiness is the mean difference of the known models' scores from what their abilities let expect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.model_priors.ability import estimate_abilities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.router.model_priors.ability import Ability
    from services.router.model_priors.facts import ModelFacts

USUAL_EASINESS = -0.5
"""The easiness if no score is known: a model of 8B parameters of mid-2024 is right half of the time."""
EASINESS_SHARE = 0.5
"""The share for models of elsewhere. With all of it, a scorer that takes most queries for easy makes
all models alike, and the cheapest wins: half costs no right answers on recorded training queries."""
_EASINESS_DEVIATION = 2.5
"""Standard deviation of the easiness over queries, in logits."""
_LEAST, _MOST = 0.01, 0.99
"""Scores beyond these count as these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """An estimated score, and its grounds."""

    score: float
    deviation: float
    """Standard deviation of its error."""
    source: str
    """The facts that it rests on, in words."""


def estimate_priors(
    models: Mapping[str, ModelFacts],
    known: Sequence[tuple[ModelFacts, float]],
    easiness_share: float = 1.0,
) -> dict[str, Estimate]:
    """Returns an estimate for every model.

    Args:
        models: The models without a score, by their ids.
        known: Other models with their scores for the query, or on average.
        easiness_share: The share of the easiness of the known models that counts: 1 if the estimates
            compete with them, `EASINESS_SHARE` if they are models of elsewhere.
    """
    abilities = estimate_abilities([*models.values(), *(facts for facts, _ in known)])
    easiness, deviation = _easiness(abilities[len(models) :], [score for _, score in known])
    easiness = USUAL_EASINESS + easiness_share * (easiness - USUAL_EASINESS)
    return {
        model_id: _estimate(ability, easiness, deviation)
        for model_id, ability in zip(models, abilities, strict=False)
    }


def logit(score: float) -> float:
    """Returns the logarithm of the odds of a score, within bounds."""
    bounded = min(max(score, _LEAST), _MOST)
    return math.log(bounded / (1 - bounded))


def logistic(value: float) -> float:
    """Returns the score of which a value is the logit."""
    return 1 / (1 + math.exp(-value))


def _easiness(abilities: Sequence[Ability], scores: Sequence[float]) -> tuple[float, float]:
    """Returns the easiness of a query and the standard deviation of its error."""
    precision = 1 / _EASINESS_DEVIATION**2
    total = precision * USUAL_EASINESS
    for ability, score in zip(abilities, scores, strict=True):
        weight = 1 / ability.deviation**2
        precision += weight
        total += weight * (logit(score) - ability.value)
    return total / precision, math.sqrt(1 / precision)


def _estimate(ability: Ability, easiness: float, deviation: float) -> Estimate:
    score = logistic(ability.value + easiness)
    return Estimate(
        score=score,
        deviation=math.hypot(ability.deviation, deviation) * score * (1 - score),
        source=ability.hints or "the mean of the other models",
    )
