"""Votes on calls to tools: the likeliest of the choices that models made. Nothing is merged. Pure.

A choice is the set of calls of one answer, in a form that can be compared, or to call no tool. With
l(p) the log odds of the score p of a model that made a choice:

    weight(choice) = sum over its models of l(p) + log(WRONG_CHOICES)
    chance(choice) = exp(weight(choice)) / sum over choices c of exp(weight(c))

That is Bayes' rule if models err independently and a wrong one takes any of WRONG_CHOICES wrong
choices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_TOOL = ""
"""The choice of an answer that calls no tool."""

WRONG_CHOICES = 4
"""Wrong choices that models take equally often. With so few, one model of 0.98 outweighs two of 0.5
that agree, and two of 0.9 and 0.7 outweigh one of 0.95; see `tests/bench/bench_tool_votes.py`."""

CLOSE_CHANCE = 0.6
"""Chance of the leading choice below which the vote is close; see the same script."""

_LEAST, _MOST = 0.02, 0.98
"""Scores are clipped to this range: no model is certain."""
_LEAST_WEIGHT = 0.01
"""No vote counts against its own choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One model's choice."""

    choice: str
    score: float
    """Probability that the model is right, in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A choice, and those who voted for it."""

    key: str
    voters: tuple[int, ...]
    """Indices of its votes."""
    weight: float
    chance: float
    """Probability that it is the right one of the choices, in [0, 1]."""


def tally(votes: Sequence[Vote]) -> tuple[Choice, ...]:
    """Returns the choices, likeliest first; of equals the one with the best single vote."""
    voters: dict[str, list[int]] = {}
    for index, vote in enumerate(votes):
        voters.setdefault(vote.choice, []).append(index)
    # The sum does not depend on the order of the votes.
    weights = {
        key: math.fsum(_weight(votes[index].score) for index in indices)
        for key, indices in voters.items()
    }
    most = max(weights.values(), default=0.0)
    total = math.fsum(math.exp(weight - most) for weight in weights.values())
    choices = [
        Choice(
            key=key,
            voters=tuple(indices),
            weight=weights[key],
            chance=math.exp(weights[key] - most) / total,
        )
        for key, indices in voters.items()
    ]

    def sort_key(choice: Choice) -> tuple[float, float, str]:
        return -choice.weight, -max(votes[index].score for index in choice.voters), choice.key

    return tuple(sorted(choices, key=sort_key))


def is_settled(votes: Sequence[Vote], pending: Sequence[float]) -> bool:
    """Returns whether several models made the leading choice, and the pending ones cannot overturn it.

    Args:
        votes: The votes so far.
        pending: The scores of the models that have not answered yet.
    """
    first, *others = tally(votes) or (None,)
    if first is None or len(first.voters) < 2:
        return False
    rival = others[0].weight if others else 0.0
    return first.weight > rival + math.fsum(map(_weight, pending))


def is_close(choices: Sequence[Choice]) -> bool:
    """Returns whether the leading choice is hardly likelier than the others."""
    return len(choices) > 1 and choices[0].chance < CLOSE_CHANCE


def _weight(score: float) -> float:
    score = min(max(score, _LEAST), _MOST)
    return max(_LEAST_WEIGHT, math.log(score / (1 - score)) + math.log(WRONG_CHOICES))
