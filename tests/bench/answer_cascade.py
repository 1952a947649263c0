"""Replays the rule of `cascade` on recorded answers, with prior scores and with answer scores.

The rule is the router's own (`services/router/routing/agreement.py`). Prices are list prices, and a
call's expected price is the model's mean on the training queries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from scorer.belief.curve import log_odds
from scorer.belief.share import TEXT_SHARE
from services.answer_key import answer_key
from services.evaluation.answers.methods import best_model
from services.evaluation.answers.prices import load_prices
from services.evaluation.answers.recorded_pool import load_recorded_pool
from services.evaluation.report.estimates import estimate_difference, estimate_saving
from services.router.routing.agreement import (
    Offer,
    Opinion,
    posteriors,
    shifted,
    worthwhile_call,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scorer.answers.answer_model import AnswerModel
    from services.evaluation.answers.recorded_pool import RecordedPool, RecordedQuery
    from tests.bench.bench_answer_scorer import Recorded

HEAD = """\
| pool | weight of cost | score | right, % | over the best single, points | its dollars, % | calls |
| --- | ---: | --- | ---: | --- | ---: | ---: |
"""
PRICES = Path("tests/bench/prices_2024.yaml")
COST_WEIGHTS = (0.02, 0.1, 0.3)
SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One query, answered."""

    score: float
    usd: float
    calls: int


Scores = Mapping[str, Mapping[str, float]]
"""By query and model."""


def cascade_table(data: Path, pools: Sequence[Recorded], model: AnswerModel) -> str:
    """Returns a row per pool, weight of cost and kind of score."""
    rows = []
    for each in pools:
        pool = load_recorded_pool(data / each.name)
        pool = pool.priced(load_prices(PRICES, pool.models))
        priors, read = _prior_scores(each), _answer_scores(each, model)
        rows += [
            _row(pool, priors, scores, weight, kind)
            for weight in COST_WEIGHTS
            for kind, scores in (("prior", priors), ("answer", read))
        ]
    return HEAD + "\n".join(rows) + "\n"


def _prior_scores(recorded: Recorded) -> Scores:
    return {
        record.id: dict(zip(recorded.models, row.tolist(), strict=True))
        for record, row in zip(recorded.records, recorded.priors, strict=True)
    }


def _answer_scores(recorded: Recorded, model: AnswerModel) -> Scores:
    examples = recorded.examples
    names = [examples.model_ids[column] for column in examples.models]
    priors = 1 / (1 + np.exp(-examples.odds))
    found: dict[str, dict[str, float]] = defaultdict(dict)
    scores = model.scores(examples.features, names, priors)
    for row, name, score in zip(examples.queries, names, scores.tolist(), strict=True):
        found[recorded.records[row].id][name] = score
    return found


def _row(pool: RecordedPool, priors: Scores, scores: Scores, weight: float, kind: str) -> str:
    costs = {m: fmean(query.costs_usd[m] for query in pool.train) for m in pool.models}
    outcomes = [
        _answer(query, priors[query.id], scores[query.id], costs, weight) for query in pool.test
    ]
    best = best_model(pool.models, pool.train)
    singles = [query.scores[best] for query in pool.test]
    gain = estimate_difference([o.score for o in outcomes], singles, seed=SEED)
    saving = estimate_saving(
        [o.usd for o in outcomes], [query.costs_usd[best] for query in pool.test], seed=SEED
    )
    return (
        f"| {pool.name} | {weight:g} | {kind} | "
        f"{100 * fmean(o.score for o in outcomes):.1f} | {100 * gain.mean:+.1f} "
        f"[{100 * gain.low:+.1f}, {100 * gain.high:+.1f}] | {100 * (1 - saving.mean):.0f} | "
        f"{fmean(o.calls for o in outcomes):.2f} |"
    )


def _said(score: float, priors: Mapping[str, float], offer: Offer) -> float:
    """Returns the log odds that a score adds to the prior one."""
    return log_odds(score) - log_odds(priors[offer.model_id])


def _answer(
    query: RecordedQuery,
    priors: Mapping[str, float],
    scores: Mapping[str, float],
    costs: Mapping[str, float],
    weight: float,
) -> Outcome:
    dearest = max(costs.values())
    left = set(costs)
    opinions: list[Opinion] = []
    usd = 0.0
    while left:
        offers = [
            Offer(model_id=m, score=priors[m], price=weight * costs[m] / dearest)
            for m in sorted(left)
        ]
        offer = worthwhile_call(opinions, offers)
        if offer is None:
            break
        left.remove(offer.model_id)
        score, text = scores[offer.model_id], query.responses[offer.model_id]
        opinions.append(
            Opinion(
                model_id=offer.model_id,
                score=shifted(priors[offer.model_id], TEXT_SHARE * _said(score, priors, offer)),
                prior=priors[offer.model_id],
                final_answer=answer_key(text),
            )
        )
        usd += query.costs_usd[offer.model_id]
    chances = posteriors(opinions)
    chosen = max(chances, key=chances.__getitem__)
    return Outcome(score=query.scores[chosen], usd=usd, calls=len(opinions))
