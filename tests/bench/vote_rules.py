"""Simulated votes on calls to tools: rules of counting, and the worth of close votes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.routing.agreement import INDEPENDENCE
from services.router.routing.tool_votes import Vote, tally

if TYPE_CHECKING:
    from random import Random

Rule = Callable[[Sequence[str], Sequence[float]], str]
"""Returns the winner of the choices that models of these scores made."""

CHOICES = "abcde"
"""The right choice is one of them, drawn anew for every vote, so that no name has an advantage."""
ACCURACIES = (
    (0.95, 0.9, 0.7),
    (0.9, 0.9, 0.7),
    (0.8, 0.75, 0.7),
    (0.7, 0.7, 0.7),
    (0.9, 0.6, 0.6),
    (0.98, 0.5, 0.5),
)
"""Probabilities of the right call, of three models each."""


def drawn(accuracies: Sequence[float], attraction: float, random: Random) -> tuple[str, list[str]]:
    """Returns the right choice, and that of each model.

    Args:
        accuracies: The probability that each model is right.
        attraction: The share of mistakes that are the same one.
        random: The source of chance.
    """
    right, attractive, *wrong = random.sample(CHOICES, len(CHOICES))

    def choice(accuracy: float) -> str:
        if random.random() < accuracy:
            return right
        return attractive if random.random() < attraction else random.choice(wrong)

    return right, [choice(accuracy) for accuracy in accuracies]


def by_tally(choices: Sequence[str], scores: Sequence[float]) -> str:
    votes = [Vote(choice=c, score=s) for c, s in zip(choices, scores, strict=True)]
    return tally(votes)[0].key


def by_sum(choices: Sequence[str], scores: Sequence[float]) -> str:
    return _heaviest(choices, scores, sum)


def by_agreement(choices: Sequence[str], scores: Sequence[float]) -> str:
    """Weighs choices as `agreement` weighs final answers."""

    def strength(some: Sequence[float]) -> float:
        first, *rest = sorted(map(_log_odds, some), reverse=True)
        return first + INDEPENDENCE * sum(max(0.0, each) for each in rest)

    return _heaviest(choices, scores, strength)


def by_best_model(choices: Sequence[str], scores: Sequence[float]) -> str:
    return choices[max(range(len(scores)), key=lambda index: scores[index])]


RULES: dict[str, Rule] = {
    "the best model alone": by_best_model,
    "sum of scores": by_sum,
    "as texts": by_agreement,
    "the vote": by_tally,
}


def right_shares(
    accuracies: Sequence[float],
    scores: Sequence[float],
    attraction: float,
    random: Random,
    count: int,
) -> dict[str, float]:
    """Returns the share of right calls of each rule, on the same draws."""
    right = dict.fromkeys(RULES, 0)
    for _ in range(count):
        wanted, choices = drawn(accuracies, attraction, random)
        for name, rule in RULES.items():
            right[name] += rule(choices, scores) == wanted
    return {name: number / count for name, number in right.items()}


@dataclass
class Band:
    """Votes whose leader has about the same chance."""

    votes: int = 0
    leader_is_right: int = 0
    right_is_there: int = 0
    """Votes in which any model made the right call."""


def bands(
    accuracies: Sequence[Sequence[float]], attraction: float, random: Random, count: int
) -> dict[float, Band]:
    """Returns the votes that are not unanimous by the chance of their leader, in steps of a tenth."""
    found: dict[float, Band] = {}
    for scores in accuracies:
        for _ in range(count):
            right, choices = drawn(scores, attraction, random)
            if len(set(choices)) == 1:
                continue
            votes = [Vote(choice=c, score=s) for c, s in zip(choices, scores, strict=True)]
            leader = tally(votes)[0]
            band = found.setdefault(math.floor(leader.chance * 10) / 10, Band())
            band.votes += 1
            band.leader_is_right += leader.key == right
            band.right_is_there += right in choices
    return dict(sorted(found.items()))


def _heaviest(
    choices: Sequence[str], scores: Sequence[float], weigh: Callable[[Sequence[float]], float]
) -> str:
    groups: dict[str, list[float]] = {}
    for choice, score in zip(choices, scores, strict=True):
        groups.setdefault(choice, []).append(score)
    return max(groups, key=lambda choice: (weigh(groups[choice]), max(groups[choice])))


def _log_odds(score: float) -> float:
    score = min(max(score, 0.02), 0.98)
    return math.log(score / (1 - score))
