"""The models of a ranking whose calls are worth weighing against one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.router.engine.planner import blocking_limit
from services.router.routing.ranking import undominated

if TYPE_CHECKING:
    from collections.abc import Collection

    from services.router.engine.run import Run
    from services.router.routing.candidates import Booleans, Ranked, Ranking

_DEPTH = 3
"""Offers that surpass one that is left out: a third decides between two that contradict each other."""


def open_ids(run: Run, ranked: Ranking, asked_ids: Collection[str]) -> list[str]:
    """Returns the models that may be called, best first; those that were asked are left out."""
    places: list[int] = np.flatnonzero(_open(run, ranked, asked_ids)).tolist()
    return [ranked.model_ids[place] for place in places]


def best_offers(run: Run, ranked: Ranking, asked_ids: Collection[str]) -> list[Ranked]:
    """Returns the models that may be called and that fewer than three others surpass, best first.

    A model surpasses another one with a prior score that is as high and a price that is as low.
    """
    return _undominated(run, ranked, _open(run, ranked, asked_ids))


def affordable_offers(run: Run, ranked: Ranking, asked_ids: Collection[str]) -> list[Ranked]:
    """Returns what `best_offers` does among the models that fit the run's limits."""
    affordable = _open(run, ranked, asked_ids) & ranked.candidates.fits(run.left)
    return [
        each
        for each in _undominated(run, ranked, affordable)
        if blocking_limit(run, run.pool.by_id[each.model_id], 0) is None
    ]


def _open(run: Run, ranked: Ranking, asked_ids: Collection[str]) -> Booleans:
    ready = ranked.candidates.ready(run.policy.latency_limit_s)
    for place in (ranked.model_ids.index(m) for m in asked_ids if m in ranked.model_ids):
        ready[place] = False
    return ready


def _undominated(run: Run, ranked: Ranking, mask: Booleans) -> list[Ranked]:
    places = np.flatnonzero(mask)
    scores = ranked.candidates.prior_score[places]
    prices = run.policy.quality_weight * scores - ranked.utility[places]
    return [ranked[int(places[index])] for index in undominated(scores, prices, _DEPTH)]
