"""The models of a ranking whose calls are worth weighing against one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.router.routing.agreement import Offer
from services.router.routing.ranking import undominated

if TYPE_CHECKING:
    from collections.abc import Collection

    from services.router.engine.run import Run
    from services.router.routing.candidates import Booleans, Ranking

_DEPTH = 3
"""Offers that surpass one that is left out: a third decides between two that contradict each other."""


def open_ids(run: Run, ranked: Ranking, asked_ids: Collection[str]) -> list[str]:
    """Returns the models that may be called, best first; those that were asked are left out."""
    places: list[int] = np.flatnonzero(_open(run, ranked, asked_ids)).tolist()
    return [ranked.model_ids[place] for place in places]


def best_offers(run: Run, ranked: Ranking, asked_ids: Collection[str]) -> list[Offer]:
    """Returns the calls that may be made and that fewer than three others surpass, best first.

    A model surpasses another one with a prior score that is as high and a price that is as low.
    """
    return _undominated(run, ranked, _open(run, ranked, asked_ids))


def affordable_offers(run: Run, ranked: Ranking, asked_ids: Collection[str]) -> list[Offer]:
    """Returns what `best_offers` does among the models that fit the run's limits."""
    if run.deadline.remaining_s() < 0:
        return []
    affordable = _open(run, ranked, asked_ids) & ranked.candidates.fits(run.left)
    return _undominated(run, ranked, affordable)


def _open(run: Run, ranked: Ranking, asked_ids: Collection[str]) -> Booleans:
    ready = ranked.candidates.ready(run.policy.latency_limit_s)
    for place in (ranked.model_ids.index(m) for m in asked_ids if m in ranked.model_ids):
        ready[place] = False
    return ready


def _undominated(run: Run, ranked: Ranking, mask: Booleans) -> list[Offer]:
    places = np.flatnonzero(mask)
    scores = ranked.candidates.prior_score[places]
    prices = run.policy.quality_weight * scores - ranked.utility[places]
    latency_prices = ranked.latency_penalty[places]
    return [
        Offer(
            model_id=ranked.model_ids[places[index]],
            score=float(scores[index]),
            price=float(prices[index]),
            latency_price=float(latency_prices[index]),
        )
        for index in undominated(scores, prices, _DEPTH)
    ]
