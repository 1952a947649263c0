"""Draws models to try: by share of requests and by error bar, within a budget of dollars per day."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np

from services.router.exploration.chances import Exploration, chances

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.router.routing.candidates import Ranking
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

    def explore(self, ranked: Ranking, policy: Policy, left: Caps) -> Exploration | None:
        """Returns the part of chance in a first layer; None if nothing can be tried.

        Args:
            ranked: The eligible models, best first. The first one is never tried: it runs anyway.
            policy: The request's weights and limits.
            left: The amounts that the request may still use.
        """
        share, left_usd = policy.exploration_share, self.usd_per_day - self._spent_today()
        candidates, ids = ranked.candidates, ranked.model_ids
        fitting = np.flatnonzero(candidates.ready(policy.latency_limit_s) & candidates.fits(left))
        others = fitting[1:][candidates.worst_cost_usd[fitting[1:]] <= left_usd].tolist()
        if not others or share <= 0 or policy.strategy not in EXPLORING:
            return None
        error_bars = {m: self._error_bar(m) for m in (ids[place] for place in others)}
        utilities = dict(zip(error_bars, ranked.utility[others].tolist(), strict=True))
        drawn = chances(utilities, error_bars)
        first = ids[int(fitting[0])]
        usual = Exploration(model_id=None, chances=drawn, share=share, usual_ids=(first,))
        if self.draw.random() >= share:
            return usual
        [tried] = self.draw.choices(list(drawn), weights=list(drawn.values()))
        reserved_usd = candidates.worst(ids.index(tried)).usd
        self._spent_usd += reserved_usd
        return replace(usual, model_id=tried, reserved_usd=reserved_usd)

    def settle(self, exploration: Exploration, cost_usd: float) -> None:
        """Books what the calls of the tried model cost instead of what was set aside."""
        self._spent_usd = max(self._spent_usd + cost_usd - exploration.reserved_usd, 0.0)

    def count(self, model_id: str) -> None:
        """Counts an answer of a model."""
        self._answers[model_id] += 1

    def _error_bar(self, model_id: str) -> float:
        return ERROR_BAR / math.sqrt(1 + self._answers[model_id] / ERROR_BAR_CALLS)

    def _spent_today(self) -> float:
        today = self.today()
        if today != self._day:
            self._day, self._spent_usd = today, 0.0
        return self._spent_usd
