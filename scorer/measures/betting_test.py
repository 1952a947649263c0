"""Tests whether the mean of bounded differences is above zero, at any time before a horizon.

A bettor who starts with 1 bets a part of the wealth on each difference being above zero. If the mean is
zero or less, no bet is a good one, and the wealth reaches ``1 / level`` with a probability of at most
``level``, whenever one looks (Ville's inequality). Waudby-Smith and Ramdas 2024, "Estimating means of
bounded random variables by betting", theorem 1.

The bets are those that most likely reach a wealth by a deadline: Browne 1999, "Reaching goals by a
deadline: digital options and continuous-time active portfolio management", and Voracek and Orabona
2025, "STaR-Bets". With ``x`` the wealth as a share of the goal, ``v`` the mean square of a difference
and ``n`` the differences still to come, the bet on one difference is

    pdf(quantile(x)) / (x * sqrt(v * n)),

so that the test has nearly the power of a single one at the horizon.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GOAL_MARGIN = 1.2
"""The goal of the bets, as a multiple of the wealth that ends the test. A goal that is a bit higher is
reached earlier where the mean is far above zero, and costs a little power at the horizon."""
MAX_BET = 0.5
"""Largest part of the wealth that one difference can lose."""
FIRST_SQUARE = 0.25
"""The mean square before any difference is known."""
FIRST_COUNT = 20
"""Number of differences that ``FIRST_SQUARE`` weighs as much as."""
_NORMAL = NormalDist()
_EDGE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class BettingTest:
    """The result of a test."""

    wealth: float
    """The wealth at the end of the test."""
    passed: bool
    """True if the mean is above zero."""


def betting_test(
    differences: Sequence[float],
    *,
    lowest: float,
    level: float,
    horizon: int,
    first_look: int = 0,
) -> BettingTest:
    """Tests if the mean of the differences is above zero.

    Args:
        differences: The differences in the order in which they became known.
        lowest: The lowest value that a difference can have, below zero.
        level: Largest probability of passing if the mean is zero or less.
        horizon: The number of differences at which the test ends.
        first_look: The number of differences before which the test cannot pass.
    """
    end = 1 / level
    wealth, squares, count = 1.0, FIRST_SQUARE * FIRST_COUNT, FIRST_COUNT
    cap = MAX_BET / -lowest
    for number, difference in enumerate(differences[:horizon], start=1):
        if difference:
            bet = _bet(wealth / (end * GOAL_MARGIN), squares / count * (horizon - number + 1))
            wealth *= 1 + min(bet, cap) * difference
        if wealth >= end and number >= first_look:
            return BettingTest(wealth=wealth, passed=True)
        squares += difference**2
        count += 1
    return BettingTest(wealth=wealth, passed=False)


def _bet(share: float, variance: float) -> float:
    """Returns the bet at a share of the goal, if the differences to come have a variance in all."""
    share = min(max(share, _EDGE), 1 - _EDGE)
    return _NORMAL.pdf(_NORMAL.inv_cdf(share)) / (share * math.sqrt(variance))
