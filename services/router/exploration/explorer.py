"""Draws models to try: by share of requests and by error bar, within a budget of dollars per day."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from services.router.exploration.chances import Exploration, chances
from services.router.routing.selection import blocking_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.router.routing.candidates import Ranked
    from services.router.routing.policy import Policy
    from services.router.types.amounts import Caps

ERROR_BAR = 0.25
"""Standard error of the utility of a model that has not answered since the router started: that of an
ability by one logit."""

ERROR_BAR_CALLS = 11
"""Answers after which the variance is half of that: a label has a variance of 0.25, and a fifth of the
feedback is wrong, which takes 64 % of its information."""


EXPLORING = frozenset({"routemoa", "single"})
"""The strategies that may try a model; the others run many models anyway."""


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(slots=True, kw_only=True)
class Explorer:
    """Draws the models to try. Each router has its own budget and its own counts.

    Args:
        usd_per_day: The most that the calls of tried models may cost in one day, in UTC.
    """

    usd_per_day: float
    draw: random.Random = field(default_factory=random.Random)
    today: Callable[[], date] = _today
    _day: date | None = None
    _spent_usd: float = 0.0
    _answers: Counter[str] = field(default_factory=Counter)

    def explore(self, ranked: Sequence[Ranked], policy: Policy, left: Caps) -> Exploration | None:
        """Returns the part of chance in a first layer; None if nothing can be tried.

        Args:
            ranked: The eligible models, best first. The first one is never tried: it runs anyway.
            policy: The request's weights and limits.
            left: The amounts that the request may still use.
        """
        share, left_usd = policy.exploration_share, self.usd_per_day - self._spent_today()
        fitting = [each for each in ranked if _fits(each, policy, left)]
        others = {r.model_id: r for r in fitting[1:] if r.candidate.worst.usd <= left_usd}
        if not others or share <= 0 or policy.strategy not in EXPLORING:
            return None
        drawn = chances(
            {m: r.utility for m, r in others.items()},
            {m: ERROR_BAR / (1 + self._answers[m] / ERROR_BAR_CALLS) ** 0.5 for m in others},
        )
        usual = Exploration(
            model_id=None, chances=drawn, share=share, usual_ids=(fitting[0].model_id,)
        )
        if self.draw.random() >= share:
            return usual
        [tried] = self.draw.choices(list(drawn), weights=list(drawn.values()))
        reserved_usd = others[tried].candidate.worst.usd
        self._spent_usd += reserved_usd
        return replace(usual, model_id=tried, reserved_usd=reserved_usd)

    def settle(self, exploration: Exploration, cost_usd: float) -> None:
        """Books what the calls of the tried model cost instead of what was set aside."""
        self._spent_usd = max(self._spent_usd + cost_usd - exploration.reserved_usd, 0.0)

    def count(self, model_id: str) -> None:
        """Counts an answer of a model."""
        self._answers[model_id] += 1

    def _spent_today(self) -> float:
        today = self.today()
        if today != self._day:
            self._day, self._spent_usd = today, 0.0
        return self._spent_usd


def _fits(ranked: Ranked, policy: Policy, left: Caps) -> bool:
    candidate = ranked.candidate
    return (
        candidate.available
        and policy.allows_latency(candidate.expected_latency_s)
        and blocking_limit(left, candidate.worst) is None
    )
