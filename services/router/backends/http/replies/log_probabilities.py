"""Reads log probabilities from replies: JSON -> tokens with their alternatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.backends.http.replies.well_formed import well_formed
from services.router.types.pieces import TokenLogProbability

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEAST = -9999.0
"""Stands for minus infinity, as in OpenAI's API."""


def read_log_probabilities(values: object, alternatives: int) -> tuple[TokenLogProbability, ...]:
    """Returns the tokens in a list; what is no token is left out.

    Args:
        values: The list, parsed from JSON.
        alternatives: The most alternatives of each token.
    """
    return tuple(_tokens(values, alternatives))


def _tokens(values: object, alternatives: int) -> Iterator[TokenLogProbability]:
    for value in values if isinstance(values, list) else []:
        if not isinstance(value, dict):
            continue
        token, log_probability = value.get("token"), value.get("logprob")
        if not isinstance(token, str) or not isinstance(log_probability, int | float):
            continue
        others = value.get("top_logprobs") if alternatives else None
        yield TokenLogProbability(
            token=well_formed(token),
            log_probability=_bounded(log_probability),
            alternatives=tuple(_tokens(others, 0))[:alternatives] if others else (),
        )


def _bounded(value: float) -> float:
    """Returns a log probability from -9999 to 0; what is no number is the least."""
    return min(0.0, float(value)) if value > _LEAST else _LEAST
