"""The facts about a model that an estimate of its score uses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The names and the price of a model."""

    names: tuple[str, ...]
    """Its names; the first that says something counts."""
    price_usd: float = 0.0
    """Price of a million tokens, as `mean_price_usd` returns it; 0 if it is unknown."""


def mean_price_usd(prompt_usd: float, completion_usd: float) -> float:
    """Returns the price of tokens of which three quarters are read and one quarter is written."""
    return (3 * prompt_usd + completion_usd) / 4
