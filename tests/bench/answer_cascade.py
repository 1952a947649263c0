"""Replays the rule of `cascade` on recorded answers, with prior scores and with answer scores.

The rule is the router's own (`services/router/routing/agreement.py`). Prices are list prices, and a
call's expected price is the model's mean on the training queries.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING


from scorer.answers.answer_scores import answer_scores
from services.answer_key import answer_key
from services.evaluation.answers.methods import best_model
from services.evaluation.answers.prices import load_prices
from services.evaluation.answers.recorded_pool import load_recorded_pool
from services.evaluation.report.estimates import estimate_difference, estimate_saving
from services.router.routing.agreement import Offer, Opinion, posteriors, worthwhile_call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scorer.answers.answer_model import AnswerModel
    from services.evaluation.answers.recorded_pool import RecordedPool, RecordedQuery
    from tests.bench.bench_answer_scorer import Recorded

PRICES = Path("tests/bench/prices_2024.yaml")
COST_WEIGHTS = (0.02, 0.1, 0.3)
SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One query, answered."""

    score: float
    usd: float
    calls: int


def cascade_table(data: Path, pools: Sequence[Recorded], model: AnswerModel) -> str:
    """Returns a row per pool, weight of cost and kind of score."""
    rows = [
        "| pool | weight of cost | score | right, % | over the best single model, points | its "
        "dollars, % | calls |",
        "| --- | ---: | --- | ---: | --- | ---: | ---: |",
    ]
    for each in pools:
        pool = load_recorded_pool(data / each.name)
        pool = pool.priced(load_prices(PRICES, pool.models))
        for weight in COST_WEIGHTS:
            for reads in (False, True):
                rows.append(_row(pool, each, model if reads else None, weight))
    return "\n".join(rows) + "\n"


def _row(pool: RecordedPool, recorded: Recorded, model: AnswerModel | None, weight: float) -> str:
    priors = {
        record.id: dict(zip(recorded.models, row.tolist(), strict=True))
        for record, row in zip(recorded.records, recorded.priors, strict=True)
    }
    costs = {m: fmean(query.costs_usd[m] for query in pool.train) for m in pool.models}
    outcomes = [_answer(query, priors[query.id], costs, weight, model) for query in pool.test]
    best = best_model(pool.models, pool.train)
    singles = [query.scores[best] for query in pool.test]
    gain = estimate_difference([o.score for o in outcomes], singles, seed=SEED)
    saving = estimate_saving(
        [o.usd for o in outcomes], [query.costs_usd[best] for query in pool.test], seed=SEED
    )
    return (
        f"| {pool.name} | {weight:g} | {'prior' if model is None else 'answer'} | "
        f"{100 * fmean(o.score for o in outcomes):.1f} | {100 * gain.mean:+.1f} "
        f"[{100 * gain.low:+.1f}, {100 * gain.high:+.1f}] | {100 * (1 - saving.mean):.0f} | "
        f"{fmean(o.calls for o in outcomes):.2f} |"
    )


def _answer(
    query: RecordedQuery,
    priors: Mapping[str, float],
    costs: Mapping[str, float],
    weight: float,
    model: AnswerModel | None,
) -> Outcome:
    dearest = max(costs.values())
    offers = {
        m: Offer(model_id=m, score=priors[m], price=weight * costs[m] / dearest) for m in costs
    }
    opinions: list[Opinion] = []
    usd = 0.0
    while offers and (offer := worthwhile_call(opinions, list(offers.values()))):
        del offers[offer.model_id]
        text = query.responses[offer.model_id]
        score = priors[offer.model_id]
        if model is not None:
            ours = {offer.model_id: text}
            score = answer_scores(model, query.query, ours, priors)[offer.model_id]
        key = answer_key(text)
        opinions.append(Opinion(model_id=offer.model_id, score=score, final_answer=key))
        usd += query.costs_usd[offer.model_id]
    chances = posteriors(opinions)
    chosen = max(chances, key=chances.__getitem__)
    return Outcome(score=query.scores[chosen], usd=usd, calls=len(opinions))
